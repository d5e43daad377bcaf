import { FileError, ImageError, InputError } from '../../errors.js'
import { isBytes } from '../raw-image.js'

/** Throws `ImageError` if an image file is larger than allowed: asked before memory is taken for it. */
export function checkSize(size: number, maxBytes: number, where: string): void {
  if (size <= maxBytes) return
  throw new ImageError('The file is too large for an image', {
    expected: `at most ${maxBytes} bytes`,
    found: `${size} or more`,
    where,
    hint: 'If it is right, raise maxBytes.',
  })
}

/**
 * Reads a stream to its end, but no further than `maxBytes`.
 *
 * @throws FileError if the stream fails; ImageError if it is longer; InputError if it isn't one of bytes.
 */
export async function collectBytes(
  stream: AsyncIterable<unknown> | ReadableStream<unknown>,
  maxBytes: number,
  where: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of partsOf(stream, where)) {
    if (!isBytes(part)) {
      throw new InputError('The stream does not yield bytes', {
        expected: 'parts that are Uint8Array',
        found: typeof part,
        where,
      })
    }
    length += part.length
    checkSize(length, maxBytes, where)
    parts.push(new Uint8Array(part)) // a stream may use its buffer again
  }
  const bytes = new Uint8Array(length)
  let filled = 0
  for (const part of parts) {
    bytes.set(part, filled)
    filled += part.length
  }
  return bytes
}

/** A stream's parts: web streams can be iterated only in some browsers. A caller that stops early closes the stream. */
async function* partsOf(
  stream: AsyncIterable<unknown> | ReadableStream<unknown>,
  where: string,
): AsyncGenerator<unknown, void> {
  try {
    if ('getReader' in stream) yield* partsOfWebStream(stream)
    else yield* stream
  } catch (cause) {
    throw new FileError('The stream broke off', {
      found: cause instanceof Error ? cause.message : String(cause),
      where,
      cause,
    })
  }
}

async function* partsOfWebStream(stream: ReadableStream<unknown>): AsyncGenerator<unknown, void> {
  const reader = stream.getReader()
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
  } finally {
    await reader.cancel()
  }
}
