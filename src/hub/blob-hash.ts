import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'

/** Whether an etag is a hash that the content can be checked by: SHA-256 of large files, Git's SHA-1 of small ones. */
export function isBlobHash(etag: string): boolean {
  return /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(etag)
}

/** The hash of a file, of the kind that `etag` is. */
export async function blobHash(file: string, etag: string, signal?: AbortSignal): Promise<string> {
  const isSmall = etag.length === 40
  const hash = createHash(isSmall ? 'sha1' : 'sha256')
  if (isSmall) hash.update(`blob ${(await stat(file)).size}\0`) // as `git hash-object` does
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20, ...(signal && { signal }) }))
    hash.update(piece as Uint8Array)
  return hash.digest('hex')
}
