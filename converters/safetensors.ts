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

import { FormatError, InputError } from '../src/errors.js'
import { dtypeBits, elementCount, viewAs, type TensorData } from './dtypes.js'
import { toFloat32 } from './float-conversion.js'
import { nearest } from './nearest.js'
import { headerEnd, parseHeader, type SafetensorsHeader, type TensorInfo } from './safetensors-header.js'
import type { Tensor } from './serialize-safetensors.js'

export type { Dtype, TensorData } from './dtypes.js'
export { fromFloat32, toFloat32, type FloatDtype } from './float-conversion.js'
export type { SafetensorsHeader, TensorInfo } from './safetensors-header.js'
export {
  layoutSafetensors,
  serializeSafetensors,
  type SafetensorsLayout,
  type Tensor,
} from './serialize-safetensors.js'

/** Elements that are read at once when they are converted. */
const BLOCK = 2 ** 20

/** Bytes that can be read in ranges. */
export interface ByteSource {
  /** For messages, e.g. its path. */
  readonly name?: string
  /** In bytes. */
  readonly size: number
  /** The bytes from `start` up to `end`, not including it, in a buffer that the reader may keep. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>
}

/** An open file: its header is read and checked, its tensors are read when asked for. */
export interface SafetensorsFile extends SafetensorsHeader {
  /** A tensor's elements as they are stored. @throws InputError if there is no tensor of that name. */
  read(name: string): Promise<TensorData>
  /** A tensor's elements as float32, converted while they are read. @throws InputError if there is no tensor of that name. */
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
  const end = headerEnd(await bytes.read(0, Math.min(8, bytes.size)), bytes.size, where)
  const { tensors, metadata } = parseHeader(await bytes.read(8, end), bytes.size, where)
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
    return viewAs(dtype, await this.bytes(byteOffset, byteOffset + byteLength))
  }

  async readFloat32(name: string): Promise<Float32Array<ArrayBuffer>> {
    const { dtype, shape, byteOffset, byteLength } = this.info(name)
    if (dtype === 'F32') return toFloat32(dtype, await this.bytes(byteOffset, byteOffset + byteLength))
    const floats = new Float32Array(elementCount(shape))
    const width = dtypeBits[dtype] / 8
    for (let from = 0; from < floats.length; from += BLOCK) {
      const to = Math.min(from + BLOCK, floats.length)
      toFloat32(dtype, await this.bytes(byteOffset + from * width, byteOffset + to * width), floats.subarray(from, to))
    }
    return floats
  }

  private info(name: string): TensorInfo {
    const info = this.tensors.get(name)
    if (info) return info
    const near = nearest(name, this.tensors.keys())
    throw new InputError('No such tensor', {
      found: JSON.stringify(name),
      where: this.where,
      hint: near === undefined ? undefined : `Did you mean ${JSON.stringify(near)}?`,
    })
  }

  private async bytes(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.source.read(begin, end)
    if (bytes.length === end - begin) return bytes
    throw new FormatError('The file ended while it was read', {
      expected: `${end - begin} bytes from ${begin}`,
      found: `${bytes.length} bytes`,
      where: this.where,
    })
  }
}

function sourceOf(blob: Blob): ByteSource {
  return {
    name: 'name' in blob && typeof blob.name === 'string' ? blob.name : 'blob',
    size: blob.size,
    read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
  }
}
