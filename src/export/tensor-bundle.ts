/**
 * TensorFlow's checkpoint format (`tensor_bundle.proto`): one file of bytes, and an index that is a table as LevelDB's.
 *
 * @module
 */
import type { FileContent } from '../io/save-folder.js'
import type { DataType } from '../jit/graph.js'
import { crc32c, maskedCrc32c } from '../io/crc32c.js'
import { shapeProto, tensorFlowTypes } from './graph-def.js'
import { Message } from '../io/protobuf.js'
import { joined } from '../io/joined.js'

/** One tensor to be written; `bytes` is called twice, for the checksum and for the file. */
export interface BundledTensor {
  readonly name: string
  readonly dtype: DataType
  readonly shape: readonly number[]
  readonly bytes: () => Uint8Array
}

/** The files `PREFIX.index` and `PREFIX.data-00000-of-00001`. */
export function tensorBundle(prefix: string, tensors: readonly BundledTensor[]): Map<string, FileContent> {
  const sorted = [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1))
  const version = new Message().int(1, 1)
  const entries: [string, Uint8Array][] = [['', new Message().int(1, 1).message(3, version).finish()]]
  let offset = 0
  for (const { name, dtype, shape, bytes } of sorted) {
    const data = bytes()
    const entry = new Message().int(1, tensorFlowTypes[dtype]).message(2, shapeProto(shape))
    entry
      .int(4, offset)
      .int(5, data.byteLength)
      .fixed32(6, maskedCrc32c(crc32c(data)))
    entries.push([name, entry.finish()])
    offset += data.byteLength
  }
  return new Map<string, FileContent>([
    [`${prefix}.index`, table(entries)],
    [
      `${prefix}.data-00000-of-00001`,
      function* () {
        for (const { bytes } of sorted) yield bytes()
      },
    ],
  ])
}

const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]
const FOOTER = 48

/** A sorted table in one block without compression. */
function table(entries: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const data = sealed(block(entries.map(([key, value]) => [new TextEncoder().encode(key), value])))
  const metaIndex = sealed(block([]))
  const handle = (offset: number, length: number): number[] => [...varint(offset), ...varint(length)]
  const lastKey = new TextEncoder().encode(entries.at(-1)?.[0] ?? '')
  const index = sealed(block([[lastKey, Uint8Array.from(handle(0, data.length - TRAILER))]]))
  const footer = new Uint8Array(FOOTER)
  footer.set([
    ...handle(data.length, metaIndex.length - TRAILER),
    ...handle(data.length + metaIndex.length, index.length - TRAILER),
  ])
  footer.set(MAGIC, FOOTER - MAGIC.length)
  return joined([data, metaIndex, index, footer])
}

/** Entries whose keys share nothing with those before, and the one place to start reading at. */
function block(entries: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array {
  const parts = entries.flatMap(([key, value]) => [
    Uint8Array.from([0, ...varint(key.length), ...varint(value.length)]),
    key,
    value,
  ])
  return joined([...parts, littleEndian(0), littleEndian(1)])
}

const TRAILER = 5

/** With the byte that says it is not compressed, and its checksum. */
function sealed(bytes: Uint8Array): Uint8Array {
  const typed = joined([bytes, Uint8Array.of(0)])
  return joined([typed, littleEndian(maskedCrc32c(crc32c(typed)))])
}

function littleEndian(number: number): Uint8Array {
  return Uint8Array.of(number, number >>> 8, number >>> 16, number >>> 24)
}

function varint(number: number): number[] {
  const bytes: number[] = []
  for (; number >= 128; number = Math.floor(number / 128)) bytes.push((number % 128) | 128)
  return [...bytes, number]
}
