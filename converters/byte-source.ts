import { FormatError } from '../src/errors.js'

/** Bytes that can be read in ranges: a file, a Blob, a part of another source. */
export interface ByteSource {
  /** For messages, e.g. its path. */
  readonly name?: string
  /** In bytes. */
  readonly size: number
  /** The bytes from `start` up to `end`, not including it, in a buffer that the reader may keep. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>
}

/** A range of a source. @throws FormatError if a byte of it lies outside, or a source gives fewer bytes than asked. */
export async function readRange(source: ByteSource, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const isInside =
    Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= source.size
  const bytes = isInside ? await source.read(start, end) : undefined
  if (bytes?.length === end - start) return bytes
  throw new FormatError('The file ends too early', {
    expected: `bytes ${start} to ${end}`,
    found: `${isInside ? 'fewer' : source.size} bytes`,
    where: source.name,
    hint: 'It may be cut off: fetch it again.',
  })
}

/** A part of a source as a source. */
export function partOf(source: ByteSource, start: number, size: number, name?: string): ByteSource {
  return {
    ...(name === undefined ? {} : { name }),
    size,
    read: (from, to) => readRange(source, start + from, start + to),
  }
}
