import { Inflate } from 'fflate'
import { FormatError, type ErrorDetail } from '../errors.js'
import { partOf, readRange, type ByteSource } from './byte-source.js'
import { crc32 } from './crc32.js'

/** The most that a list of entries may take. */
export const MAX_DIRECTORY = 64_000_000
/** Deflate makes at most 1032 bytes of one. */
const MAX_RATIO = 1032
/** Compressed bytes that are unpacked at once. */
const CHUNK = 8192

/**
 * The files in a zip archive, by name, each as a source: stored ones are read in ranges where they lie, deflated ones are unpacked
 * as far as they are read, and checked against their checksums at the end. The archive's list is checked, zip64 is known.
 *
 * @throws FormatError if the archive is damaged, split, encrypted, or packed otherwise than stored and deflated.
 */
export async function openZip(source: ByteSource): Promise<Map<string, ByteSource>> {
  const entries = await zipEntries(source)
  return new Map(entries.map((entry) => [entry.name, openEntry(source, entry)]))
}

/**
 * The entries of a zip archive in the order of its list, each checked to lie inside the archive.
 *
 * @throws FormatError as `openZip` does.
 */
export async function zipEntries(source: ByteSource): Promise<readonly ZipEntry[]> {
  const { begin, end, count } = await findDirectory(source)
  const bytes = await readRange(source, begin, end)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const entries = new Map<string, ZipEntry>()
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) {
      throw damaged(source, { expected: `${count} entries`, found: `${i}` })
    }
    const nameEnd = at + 46 + view.getUint16(at + 28, true)
    const extraEnd = nameEnd + view.getUint16(at + 30, true)
    const next = extraEnd + view.getUint16(at + 32, true)
    if (next > bytes.length) throw damaged(source, { found: 'a truncated entry' })
    const name = new TextDecoder().decode(bytes.subarray(at + 46, nameEnd))
    if (entries.has(name)) throw damaged(source, { found: `${JSON.stringify(name)} twice` })
    entries.set(name, checked(source, { name, ...readEntry(view, at, nameEnd, extraEnd) }))
    at = next
  }
  return [...entries.values()]
}

/** A file in a zip archive. Sizes are in bytes. */
export interface ZipEntry {
  readonly name: string
  readonly isEncrypted: boolean
  /** 0: stored; 8: deflated. */
  readonly method: number
  /** CRC-32 of the unpacked bytes. */
  readonly checksum: number
  readonly packedSize: number
  readonly size: number
  /** Offset of its own header in the archive. */
  readonly headerBegin: number
}

/** The offset of the list of entries, read from the end of the archive. */
async function findDirectory(source: ByteSource): Promise<{ begin: number; end: number; count: number }> {
  const tailBegin = Math.max(0, source.size - 22 - 0xffff)
  const tail = await readRange(source, tailBegin, source.size)
  const view = new DataView(tail.buffer, tail.byteOffset, tail.length)
  let at = tail.length - 22
  while (
    at >= 0 &&
    !(view.getUint32(at, true) === 0x06054b50 && at + 22 + view.getUint16(at + 20, true) === tail.length)
  )
    at--
  if (at < 0) throw damaged(source, { expected: 'a list of entries at the end', found: 'none' })
  let [count, size, begin] = [
    view.getUint16(at + 10, true),
    view.getUint32(at + 12, true),
    view.getUint32(at + 16, true),
  ]
  if (at >= 20 && view.getUint32(at - 20, true) === 0x07064b50) {
    const end64 = Number(view.getBigUint64(at - 12, true))
    const bytes = await readRange(source, end64, end64 + 56)
    const view64 = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    if (view64.getUint32(0, true) !== 0x06064b50) throw damaged(source, { found: 'no zip64 end where it should be' })
    count = Number(view64.getBigUint64(32, true))
    size = Number(view64.getBigUint64(40, true))
    begin = Number(view64.getBigUint64(48, true))
  }
  if (size > MAX_DIRECTORY)
    throw damaged(source, { expected: `at most ${MAX_DIRECTORY} bytes of entries`, found: `${size}` })
  return { begin, end: begin + size, count }
}

function readEntry(view: DataView, at: number, extraBegin: number, extraEnd: number): Omit<ZipEntry, 'name'> {
  const sizes = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)]
  // Sizes of 4 GiB and more are in the extra field 1, in this order, those only that don't fit.
  for (let i = extraBegin; i + 4 <= extraEnd; i += 4 + view.getUint16(i + 2, true)) {
    if (view.getUint16(i, true) !== 1) continue
    let value = i + 4
    for (const [which, size] of sizes.entries()) {
      if (size !== 0xffffffff || value + 8 > extraEnd) continue
      sizes[which] = Number(view.getBigUint64(value, true))
      value += 8
    }
  }
  const [size = 0, packedSize = 0, headerBegin = 0] = sizes
  const isEncrypted = (view.getUint16(at + 8, true) & 1) === 1
  const [method, checksum] = [view.getUint16(at + 10, true), view.getUint32(at + 16, true)]
  return { isEncrypted, method, checksum, packedSize, size, headerBegin }
}

function checked(archive: ByteSource, entry: ZipEntry): ZipEntry {
  const { name, isEncrypted, method, packedSize, size, headerBegin } = entry
  const isSane = method === 0 ? size === packedSize : size <= packedSize * MAX_RATIO
  if (isEncrypted || (method !== 0 && method !== 8)) {
    throw new FormatError('An archive of a kind that is not read', {
      expected: 'files stored or deflated',
      found: isEncrypted ? 'an encrypted one' : `method ${method}`,
      where: placeOf(archive, entry),
    })
  }
  if (!isSane || headerBegin + packedSize > archive.size) {
    throw damaged(archive, { found: `${JSON.stringify(name)} of ${packedSize} bytes that hold ${size}` })
  }
  return entry
}

function placeOf(archive: ByteSource, { name }: ZipEntry): string {
  return `${name} in ${archive.name ?? 'zip'}`
}

function openEntry(archive: ByteSource, entry: ZipEntry): ByteSource {
  const name = placeOf(archive, entry)
  let data: Promise<Pick<ByteSource, 'read'>> | undefined
  const open = async (): Promise<Pick<ByteSource, 'read'>> => {
    const packed = partOf(archive, await dataBegin(archive, entry), entry.packedSize, name)
    return entry.method === 0 ? packed : new Unpacked(packed, name, entry.checksum)
  }
  return { name, size: entry.size, read: async (start, end) => (await (data ??= open())).read(start, end) }
}

/** Where an entry's bytes begin in the archive: after a header that contains its own length. */
export async function dataBegin(archive: ByteSource, { name, headerBegin }: ZipEntry): Promise<number> {
  const header = await readRange(archive, headerBegin, headerBegin + 30)
  const view = new DataView(header.buffer, header.byteOffset, header.length)
  if (view.getUint32(0, true) !== 0x04034b50) throw damaged(archive, { found: `no entry where ${name} should be` })
  return headerBegin + 30 + view.getUint16(26, true) + view.getUint16(28, true)
}

/** A deflated entry: a read that starts where the last one ended continues unpacking; any other starts over. */
class Unpacked {
  private inflate: Inflate | undefined
  private packedAt = 0
  /** Unpacked bytes that are not read yet, from `position` on. */
  private pieces: Uint8Array[] = []
  private position = 0
  private queue: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly packed: ByteSource,
    private readonly name: string,
    private readonly checksum: number,
  ) {}

  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = this.queue.then(() => this.next(start, end)) // one after the other: they share the place they have come to
    this.queue = bytes.catch(() => (this.inflate = undefined))
    return bytes
  }

  private async next(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!this.inflate || start < this.position) this.restart()
    const bytes = new Uint8Array(end - start)
    for (let filled = 0; filled < bytes.length;) {
      const piece = this.pieces.shift() ?? (await this.unpack())
      const skipped = Math.min(start + filled - this.position, piece.length)
      const taken = piece.subarray(skipped, skipped + bytes.length - filled)
      bytes.set(taken, filled)
      filled += taken.length
      this.position += skipped + taken.length
      const rest = piece.subarray(skipped + taken.length)
      if (rest.length > 0) this.pieces.unshift(rest)
    }
    return bytes
  }

  private restart(): void {
    this.pieces = []
    this.position = this.packedAt = 0
    let checksum = 0
    this.inflate = new Inflate((piece, isLast) => {
      checksum = crc32(piece, checksum)
      if (isLast && checksum !== this.checksum) throw new RangeError('another checksum')
      this.pieces.push(piece)
    })
  }

  private async unpack(): Promise<Uint8Array> {
    const { size } = this.packed
    if (this.packedAt === size) throw new FormatError('An archive holds less than it says', { where: this.name })
    const next = Math.min(this.packedAt + CHUNK, size)
    const chunk = await readRange(this.packed, this.packedAt, next)
    this.packedAt = next
    try {
      this.inflate?.push(chunk, next === size)
    } catch (cause) {
      throw new FormatError('An archive holds broken data', { where: this.name, hint: 'Fetch it again.', cause })
    }
    return this.pieces.shift() ?? new Uint8Array(0)
  }
}

function damaged(source: ByteSource, detail: ErrorDetail): FormatError {
  return new FormatError('The zip archive is damaged', {
    where: source.name,
    hint: 'It may be truncated: download it again.',
    ...detail,
  })
}
