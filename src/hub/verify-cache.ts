import { rm } from 'node:fs/promises'
import path from 'node:path'
import { blobHash, isBlobHash } from './blob-hash.js'
import { scanCache } from './scan-cache.js'

/** How a file of the cache was found. */
export interface VerifiedFile {
  readonly model: string
  readonly path: string
  /** `damaged`: its content is not that of its hash; `lost`: a link to a content that is gone; `unknown`: nothing to check it by. */
  readonly state: 'right' | 'damaged' | 'lost' | 'unknown'
}

/** What to verify, and what to do about it. */
export interface VerifyOptions {
  /** Default: that of Python's huggingface_hub. */
  readonly cacheDir?: string | undefined
  /** Whether to remove damaged or dangling files, so that they are downloaded again when next needed. Default: false. */
  readonly remove?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Computes the hash of every content in the cache again, and follows every link. Yields each file as it is known. */
export async function* verifyCache({
  cacheDir,
  remove = false,
  signal,
}: VerifyOptions = {}): AsyncGenerator<VerifiedFile> {
  for (const { model, blobs, snapshots } of await scanCache(cacheDir)) {
    const damaged = new Set<string>()
    for (const { path: file, content } of blobs) {
      if (content === undefined || file.endsWith('.incomplete')) continue
      const etag = path.basename(file)
      const isRight = isBlobHash(etag) ? (await blobHash(file, etag, signal)) === etag : undefined
      if (isRight === false) damaged.add(content)
      yield { model, path: file, state: isRight === undefined ? 'unknown' : isRight ? 'right' : 'damaged' }
      if (remove && isRight === false) await rm(file)
    }
    for (const { path: file, content } of [...snapshots.values()].flat()) {
      if (content === undefined) yield { model, path: file, state: 'lost' }
      if (remove && (content === undefined || damaged.has(content))) await rm(file, { force: true })
    }
  }
}
