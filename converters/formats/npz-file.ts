import { InputError } from '../../src/errors.js'
import { crc32 } from '../../src/io/crc32.js'
import { isFloatDtype, fromFloat32, type FloatDtype } from './float-conversion.js'
import type { FileContent } from '../../src/io/save-folder.js'
import { npyHead } from './serialize-npy.js'
import type { WeightsToSave } from './weight-files.js'
import { MAX_DIRECTORY } from '../../src/io/zip.js'
import { joined } from '../../src/io/joined.js'

/** Bytes of an entry in the list beside its name, `.npy` included. */
const MAX_ENTRY = 46 + 4 + 28

/** Sizes and offsets from this value on are in a zip64 field. */
const ZIP64 = 0xffffffff
/** Of the first day that zip knows, 1 January 1980, as numpy dates its arrays: the same weights give the same file. */
const DATE = 0x21
/** Files are readable by their owner, as Python's zipfile leaves them. */
const ATTRIBUTES = 0o600 << 16

/**
 * An `.npz` archive of weights, byte for byte as `numpy.savez` writes it: stored arrays, one at a time in memory.
 *
 * @param dtype the type of all weights. Default: each keeps its own; other types become F32.
 * @throws InputError for more weights than an archive's list of entries holds
 */
export function npzFile(weights: WeightsToSave, dtype?: FloatDtype): FileContent {
  const names = [...weights.tensors.keys()]
  const directorySize = names.reduce((sum, name) => sum + MAX_ENTRY + new TextEncoder().encode(name).length, 0)
  if (directorySize > MAX_DIRECTORY) {
    throw new InputError('The archive would have more entries than are read again', {
      expected: `at most ${MAX_DIRECTORY} bytes of entries`,
      found: `${directorySize} for ${names.length} weights`,
    })
  }
  return async function* () {
    const directory: Uint8Array[] = []
    let offset = 0
    for (const [name, { dtype: own, shape }] of weights.tensors) {
      const type = dtype ?? (isFloatDtype(own) ? own : 'F32')
      const head = npyHead(shape, type)
      const data = fromFloat32(await weights.read(name), type)
      const entry = {
        name: new TextEncoder().encode(`${name}.npy`),
        checksum: crc32(data, crc32(head)),
        size: head.length + data.length,
        offset,
      }
      const header = localHeader(entry)
      yield header
      yield head
      yield data
      directory.push(directoryEntry(entry))
      offset += header.length + entry.size
    }
    yield* directory
    yield end(
      directory.length,
      directory.reduce((sum, { length }) => sum + length, 0),
      offset,
    )
  }
}

interface Entry {
  readonly name: Uint8Array
  readonly checksum: number
  readonly size: number
  /** Of the local header. */
  readonly offset: number
}

/** A field of little-endian numbers: each with its width in bytes. */
function fields(...numbers: readonly (readonly [width: 2 | 4 | 8, value: number])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(numbers.reduce((sum, [width]) => sum + width, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [width, value] of numbers) {
    if (width === 2) view.setUint16(at, value, true)
    else if (width === 4) view.setUint32(at, value, true)
    else view.setBigUint64(at, BigInt(value), true)
    at += width
  }
  return bytes
}

/** Flags say that a name is UTF-8 where it is not ASCII. */
const flagsOf = (name: Uint8Array): number => (name.some((byte) => byte > 0x7f) ? 0x800 : 0)

function localHeader({ name, checksum, size }: Entry): Uint8Array<ArrayBuffer> {
  const sizes = fields([2, 1], [2, 16], [8, size], [8, size]) // numpy always asks for them in 64 bits
  const head = fields(
    ...([
      [4, 0x04034b50],
      [2, 45],
      [2, flagsOf(name)],
      [2, 0],
      [2, 0],
      [2, DATE],
      [4, checksum],
      [4, ZIP64],
      [4, ZIP64],
      [2, name.length],
      [2, sizes.length],
    ] as const),
  )
  return joined([head, name, sizes])
}

function directoryEntry({ name, checksum, size, offset }: Entry): Uint8Array<ArrayBuffer> {
  const isLarge = size >= 2 ** 31 // zipfile's limit
  const isFar = offset >= 2 ** 31
  const large = [...(isLarge ? [size, size] : []), ...(isFar ? [offset] : [])]
  const extra =
    large.length > 0
      ? // eslint-disable-next-line siglip/no-spread-arguments -- three numbers at most
        fields([2, 1], [2, 8 * large.length], ...large.map((value) => [8, value] as const))
      : new Uint8Array()
  const head = fields(
    ...([
      [4, 0x02014b50],
      [2, 45 + 0x300], // version and system: Unix
      [2, 45],
      [2, flagsOf(name)],
      [2, 0],
      [2, 0],
      [2, DATE],
      [4, checksum],
      [4, isLarge ? ZIP64 : size],
      [4, isLarge ? ZIP64 : size],
      [2, name.length],
      [2, extra.length],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, ATTRIBUTES],
      [4, isFar ? ZIP64 : offset],
    ] as const),
  )
  return joined([head, name, extra])
}

/** The end of the archive, with that of zip64 before it where a number does not fit. */
function end(count: number, size: number, offset: number): Uint8Array<ArrayBuffer> {
  const plain = fields(
    [4, 0x06054b50],
    [4, 0],
    [2, Math.min(count, 0xffff)],
    [2, Math.min(count, 0xffff)],
    [4, Math.min(size, ZIP64)],
    [4, Math.min(offset, ZIP64)],
    [2, 0],
  )
  if (count < 0xffff && size < 2 ** 31 && offset < 2 ** 31) return plain
  const head = fields([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0])
  const numbers = fields([8, count], [8, count], [8, size], [8, offset])
  const locator = fields([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1])
  return joined([head, numbers, locator, plain])
}
