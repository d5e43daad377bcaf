import { FormatError } from '../errors.js'

/** Bytes that can be read in ranges: a file, a Blob, a part of another source. */
export interface ByteSource {
  /** For messages, e.g. its path. */
  readonly name?: string
  /** In bytes. */
  readonly size: number
  /**
   * The bytes from `start` up to `end`, not including it, in a buffer that the reader may keep.
   *
   * @param room bytes that the buffer best has, the range filling its end: the reader has use for the space before it.
   */
  read(start: number, end: number, room?: number): Promise<Uint8Array<ArrayBuffer>>
}

/**
 * A range of a source.
 *
 * @param room bytes of the buffer whose end the range fills, at least its own. Default: as the source has it.
 * @throws FormatError if a byte of it lies outside, or a source gives fewer bytes than asked.
 */
export async function readRange(
  source: ByteSource,
  start: number,
  end: number,
  room?: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const isInside =
    Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= source.size
  const bytes = isInside ? await source.read(start, end, room) : undefined
  if (bytes?.length === end - start) return room === undefined ? bytes : atEnd(bytes, room)
  throw new FormatError('The file ends too early', {
    expected: `bytes ${start} to ${end}`,
    found: `${isInside ? 'fewer' : source.size} bytes`,
    where: source.name,
    hint: 'It may be truncated: download it again.',
  })
}

/** The same bytes at the end of a buffer of that size; copied unless they are there. */
function atEnd(bytes: Uint8Array<ArrayBuffer>, room: number): Uint8Array<ArrayBuffer> {
  const begin = room - bytes.length
  if (bytes.buffer.byteLength === room && bytes.byteOffset === begin) return bytes
  const copy = new Uint8Array(room).subarray(begin)
  copy.set(bytes)
  return copy
}

/** A part of a source as a source. */
export function partOf(source: ByteSource, start: number, size: number, name?: string): ByteSource {
  return {
    ...(name === undefined ? {} : { name }),
    size,
    read: (from, to, room) => readRange(source, start + from, start + to, room),
  }
}
