/**
 * Reads and writes [safetensors](https://github.com/huggingface/safetensors) files, in Node and in pages, with nothing but the
 * language: checked as the Rust implementation checks them, written byte for byte as the Python library writes them.
 *
 * @example
 * ```ts
 * import { openSafetensors, serializeSafetensors } from 'siglip-tfjs/safetensors'
 *
 * const file = await openSafetensors(blob)                       // a File of an <input>, or fs.openAsBlob(path) in Node
 * for (const [name, { dtype, shape }] of file.tensors) console.log(name, dtype, shape)
 * const weight = await file.readFloat32('logit_scale')           // reads the bytes of this tensor only
 *
 * const pieces = serializeSafetensors(new Map([['x', { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) }]]))
 * const copy = new Blob(pieces)
 * ```
 *
 * @module
 */

import { readRange, type ByteSource } from '../../src/io/byte-source.js'
import { viewAs, type TensorData } from './dtypes.js'
import { headerEnd, parseHeader, type SafetensorsHeader, type TensorInfo } from './safetensors-header.js'
import type { Tensor } from './serialize-safetensors.js'
import { readStored, unknownTensor } from './stored-tensor.js'

export type { ByteSource } from '../../src/io/byte-source.js'
export type { Dtype, TensorData } from './dtypes.js'
export { fromFloat32, toFloat32, type FloatDtype } from './float-conversion.js'
export type { SafetensorsHeader, TensorInfo } from './safetensors-header.js'
export {
  layoutSafetensors,
  serializeSafetensors,
  type SafetensorsLayout,
  type Tensor,
} from './serialize-safetensors.js'

/** An open file: its header is read and checked, its tensors are read when asked for. */
export interface SafetensorsFile extends SafetensorsHeader {
  /** A tensor's elements as they are stored. @throws InputError for an unknown name. */
  read(name: string): Promise<TensorData>
  /** A tensor's elements as float32, converted while they are read. @throws InputError for an unknown name. */
  readFloat32(name: string): Promise<Float32Array<ArrayBuffer>>
}

/**
 * Opens a file of any size: only its header is read.
 *
 * @throws FormatError if the header breaks a rule of the format, saying which and where.
 */
export async function openSafetensors(source: ByteSource | Blob): Promise<SafetensorsFile> {
  const bytes = 'read' in source ? source : sourceOf(source)
  const where = bytes.name ?? 'safetensors'
  const end = headerEnd(await readRange(bytes, 0, Math.min(8, bytes.size)), bytes.size, where)
  const { tensors, metadata } = parseHeader(await readRange(bytes, 8, end), bytes.size, where)
  return new OpenFile(tensors, metadata, bytes, where)
}

/**
 * Reads a whole file that is in memory already. The tensors don't share memory with `bytes`.
 *
 * @param where for messages, e.g. the path the bytes came from.
 * @throws FormatError if the header breaks a rule of the format, saying which and where.
 */
export function parseSafetensors(
  bytes: Uint8Array,
  where = 'safetensors',
): { tensors: Map<string, Tensor>; metadata: Readonly<Record<string, string>> } {
  const header = parseHeader(bytes.subarray(8, headerEnd(bytes, bytes.length, where)), bytes.length, where)
  const tensors = new Map<string, Tensor>()
  for (const [name, { dtype, shape, byteOffset, byteLength }] of header.tensors) {
    tensors.set(name, {
      dtype,
      shape,
      data: viewAs(dtype, Uint8Array.from(bytes.subarray(byteOffset, byteOffset + byteLength))),
    })
  }
  return { tensors, metadata: header.metadata }
}

class OpenFile implements SafetensorsFile {
  constructor(
    readonly tensors: ReadonlyMap<string, TensorInfo>,
    readonly metadata: Readonly<Record<string, string>>,
    private readonly source: ByteSource,
    private readonly where: string,
  ) {}

  async read(name: string): Promise<TensorData> {
    const { dtype, byteOffset, byteLength } = this.info(name)
    return viewAs(dtype, await readRange(this.source, byteOffset, byteOffset + byteLength))
  }

  async readFloat32(name: string): Promise<Float32Array<ArrayBuffer>> {
    return readStored({ ...this.info(name), source: this.source })
  }

  private info(name: string): TensorInfo {
    const info = this.tensors.get(name)
    if (info) return info
    throw unknownTensor(name, this.tensors.keys(), this.where)
  }
}

function sourceOf(blob: Blob): ByteSource {
  return {
    name: 'name' in blob && typeof blob.name === 'string' ? blob.name : 'blob',
    size: blob.size,
    read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
  }
}
