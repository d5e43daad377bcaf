import { FileError, InputError } from '../../errors.js'
import { checkSize, collectBytes } from './collect-bytes.js'
import type { ReadOptions } from './image-input.js'

const TIMEOUT = 30_000

/**
 * Fetches an image file. The time limit covers the whole answer, not only its beginning.
 *
 * @param where the URL as messages show it.
 * @throws FileError if it can't be fetched in time; ImageError if it is larger than `maxBytes`; InputError for no time limit.
 */
export async function fetchBytes(
  url: string,
  where: string,
  maxBytes: number,
  { timeout = TIMEOUT, fetch: get = fetch }: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(timeout > 0 && timeout < 2 ** 31)) {
    throw new InputError('Invalid time limit', {
      expected: 'milliseconds, more than 0 and less than 2,147,483,648',
      found: String(timeout),
      where: 'timeout',
    })
  }
  const signal = AbortSignal.timeout(timeout)
  const response = await get(url, { signal }).catch((cause: unknown) => {
    throw unreachable(where, signal, timeout, cause)
  })
  if (!response.ok) {
    throw new FileError('The server refuses the image', {
      found: `HTTP ${response.status} ${response.statusText}`.trimEnd(),
      where,
      hint: 'Check the URL.',
    })
  }
  checkSize(Number(response.headers.get('content-length') ?? 0), maxBytes, where)
  if (!response.body) return new Uint8Array(0)
  return collectBytes(response.body, maxBytes, where).catch((error: unknown) => {
    throw signal.aborted ? unreachable(where, signal, timeout, error) : error
  })
}

function unreachable(where: string, signal: AbortSignal, timeout: number, cause: unknown): FileError {
  return new FileError('The image can’t be fetched', {
    found: signal.aborted ? `no answer within ${timeout} ms` : reason(cause),
    where,
    hint: signal.aborted ? 'Raise timeout, or check the connection.' : 'Check the URL and the connection.',
    cause,
  })
}

/** `fetch` says "fetch failed" and keeps the reason in the cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message
}
