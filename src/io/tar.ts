import { FormatError } from '../errors.js'
import { readRange, type ByteSource } from './byte-source.js'

/** A plain file in a tar archive: where its bytes are. */
export interface TarMember {
  readonly name: string
  readonly start: number
  readonly size: number
}

const BLOCK = 512
/** Headers and small files are read in pieces of this size: a request each would take longer. */
const WINDOW = 2 ** 20
/** A name or a set of attributes is shorter. */
const MAX_ATTRIBUTES = 2 ** 16

/** Bytes of a source, read a piece ahead: for a reader that goes from its beginning to its end. */
export class ReadWindow {
  #start = 0
  #bytes = new Uint8Array(0)

  constructor(private readonly source: ByteSource) {}

  /** @throws FormatError if a byte lies outside of the source */
  async read(start: number, end: number): Promise<Uint8Array> {
    if (end - start > WINDOW) return readRange(this.source, start, end)
    if (start < this.#start || end > this.#start + this.#bytes.length) {
      this.#bytes = await readRange(this.source, start, Math.max(end, Math.min(start + WINDOW, this.source.size)))
      this.#start = start
    }
    return this.#bytes.subarray(start - this.#start, end - this.#start)
  }
}

/**
 * The plain files of a tar archive (ustar, with the long names of GNU and of pax), in their order.
 *
 * @param window reads the archive; the caller may read members with it while they come
 * @throws FormatError if it is not a tar archive, or is truncated
 */
export async function* tarMembers(source: ByteSource, window = new ReadWindow(source)): AsyncGenerator<TarMember> {
  let attributes: ReadonlyMap<string, string> = new Map()
  for (let at = 0; at + BLOCK <= source.size;) {
    const header = await window.read(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) return
    checkHeader(header, at, source.name)
    const kind = text(header, 156, 1)
    const size = Number(attributes.get('size') ?? numberAt(header, 124))
    const start = at + BLOCK
    if (!Number.isSafeInteger(size) || size < 0 || start + size > source.size)
      throw damaged('it is truncated', at, source.name)
    at = start + Math.ceil(size / BLOCK) * BLOCK
    if (kind === 'x' || kind === 'L') {
      if (size > MAX_ATTRIBUTES) throw damaged('a name is too long', at, source.name)
      const bytes = (await window.read(start, start + size)).slice()
      attributes = kind === 'x' ? paxAttributes(bytes) : new Map([['path', text(bytes, 0, size)]])
      continue
    }
    if (kind === '' || kind === '0') yield { name: attributes.get('path') ?? nameOf(header), start, size }
    attributes = new Map()
  }
}

function nameOf(header: Uint8Array): string {
  const isUstar = text(header, 257, 5) === 'ustar' && text(header, 263, 2) !== ' '
  const prefix = isUstar ? text(header, 345, 155) : ''
  const name = text(header, 0, 100)
  return prefix ? `${prefix}/${name}` : name
}

/** In octal digits, or, from 8 GiB, in binary with the first bit set. */
function numberAt(header: Uint8Array, start: number): number {
  if (((header[start] ?? 0) & 0x80) === 0) return Number.parseInt(text(header, start, 12) || '0', 8)
  return header.subarray(start + 1, start + 12).reduce((value, byte) => value * 256 + byte, 0)
}

/** The sum of the header's bytes, those of the sum itself taken as spaces. */
function checkHeader(header: Uint8Array, at: number, where: string | undefined): void {
  const sum = header.reduce((all, byte, i) => all + (i >= 148 && i < 156 ? 32 : byte), 0)
  if (Number.parseInt(text(header, 148, 8), 8) !== sum) throw damaged('no header where one should be', at, where)
}

/** Lines such as `30 path=a/long/name`, each with its length in front. */
function paxAttributes(bytes: Uint8Array): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>()
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at)
    const length = Number(text(bytes, at, Math.max(0, space - at)))
    if (!(length > 0)) break
    const [key = '', ...value] = text(bytes, space + 1, at + length - space - 2).split('=')
    attributes.set(key, value.join('='))
    at += length
  }
  return attributes
}

function text(bytes: Uint8Array, start: number, length: number): string {
  const field = new TextDecoder().decode(bytes.subarray(start, start + length))
  return (field.split('\0', 1)[0] ?? '').trim()
}

function damaged(found: string, at: number, where: string | undefined): FormatError {
  return new FormatError('The tar archive is damaged or incomplete', {
    found: `${found} (byte ${at})`,
    where,
    hint: 'Fetch it again, or unpack it if it is compressed.',
  })
}
