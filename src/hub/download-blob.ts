import { mkdir, open, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { HubError } from '../errors.js'
import { blobHash } from './blob-hash.js'
import { hubRequest, pause, reasonOf, type HubConnection } from './hub-request.js'
import { systemErrorCode } from '../io/system-error.js'

/** A content to be fetched. */
export interface BlobDownload {
  readonly url: string
  /** Where it belongs. Until it is whole and checked it lies beside, in `<blob>.incomplete`. */
  readonly blob: string
  /** Its hash: SHA-256, or the SHA-1 that Git gives it. */
  readonly etag: string
  readonly size: number
  readonly onBytes: (loadedBytes: number) => void
}

/** How often in a row a connection may break before it has transferred `WORTHWHILE` bytes. */
const MAX_CUTS = 5
const WORTHWHILE = 2 ** 16

/**
 * Fetches a content into the cache, going on from where an earlier download ended. The name of the partial file is the content's hash
 * and the URL names a commit, so its bytes are always of the same content; the hash of the whole is checked before it takes its place.
 *
 * @throws HubError if it can't be fetched, differs from its hash, or the disk is full; what has arrived is kept unless it is damaged.
 */
export async function downloadBlob(connection: HubConnection, download: BlobDownload): Promise<void> {
  const partial = `${download.blob}.incomplete`
  try {
    await mkdir(path.dirname(partial), { recursive: true })
    const isResumed = (await sizeOf(partial)) > 0
    await complete(connection, download, partial)
    let hash = await blobHash(partial, download.etag, connection.signal)
    if (hash !== download.etag && isResumed) {
      await rm(partial) // what was there before may be to blame
      await complete(connection, download, partial)
      hash = await blobHash(partial, download.etag, connection.signal)
    }
    if (hash !== download.etag) throw await damaged(download, partial, `content of hash ${download.etag}`, hash)
    await rename(partial, download.blob)
  } catch (error) {
    connection.signal?.throwIfAborted()
    throw cacheError(error, download.blob)
  }
}

/** Brings the partial file to its whole length, over as many connections as it takes. */
async function complete(connection: HubConnection, download: BlobDownload, partial: string): Promise<void> {
  for (let cuts = 0; ;) {
    let from = await sizeOf(partial)
    if (from > download.size) {
      await rm(partial)
      from = 0
    }
    await checkSpace(path.dirname(partial), download.size - from)
    const cut = await append(connection, download, partial, from)
    if (cut === undefined) return
    connection.signal?.throwIfAborted()
    const loaded = await sizeOf(partial)
    cuts = loaded - from >= WORTHWHILE ? 0 : cuts + 1
    if (cuts > MAX_CUTS) {
      throw new HubError('The connection breaks repeatedly', {
        found: `${reasonOf(cut)} after ${loaded} of ${download.size} bytes`,
        where: download.url,
        hint: 'Run it again later: the download resumes.',
        cause: cut,
      })
    }
    if (cuts > 0) await pause(connection, connection.retryDelay * 2 ** (cuts - 1))
  }
}

/** Fetches what is missing from `from` on. Returns what broke the connection, or undefined when complete. */
async function append(
  connection: HubConnection,
  download: BlobDownload,
  partial: string,
  from: number,
): Promise<unknown> {
  const { size, onBytes } = download
  const file = await open(partial, 'a')
  try {
    onBytes(from)
    if (from < size || size === 0) {
      const cut = await receive(connection, download, file, from)
      if (cut !== undefined) return cut
    }
    await file.sync()
    return undefined
  } finally {
    await file.close()
  }
}

async function receive(
  connection: HubConnection,
  download: BlobDownload,
  file: FileHandle,
  from: number,
): Promise<unknown> {
  const { url, size, onBytes } = download
  const partial = `${download.blob}.incomplete`
  const headers = { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) }
  const response = await hubRequest(connection, url, { headers }).catch(async (error: unknown) => {
    if (error instanceof HubError && error.status === 416)
      throw await damaged(download, partial, `${size} bytes`, 'fewer')
    throw error
  })
  let loaded = from
  if (response.status !== 206) {
    if (from > 0) await file.truncate(0) // the server knows no ranges
    loaded = 0
  } else if (response.headers.get('content-range') !== `bytes ${from}-${size - 1}/${size}`) {
    const found = response.headers.get('content-range') ?? 'none'
    await response.body?.cancel()
    throw await damaged(download, partial, `bytes ${from} to ${size}`, found)
  }
  const reader = response.body?.getReader()
  for (;;) {
    let piece: Uint8Array | undefined
    try {
      piece = (await reader?.read())?.value
    } catch (error) {
      return error
    }
    if (piece === undefined) break
    loaded += piece.length
    if (loaded > size) {
      await reader?.cancel()
      throw await damaged(download, partial, `${size} bytes`, 'more')
    }
    await file.writeFile(piece)
    onBytes(loaded)
  }
  return loaded < size ? new Error('end of the connection') : undefined
}

async function damaged({ url }: BlobDownload, partial: string, expected: string, found: string): Promise<HubError> {
  await rm(partial, { force: true })
  return new HubError('The file arrives damaged', {
    expected,
    found,
    where: url,
    hint: 'Try again; if it stays so, something between here and the hub alters it.',
  })
}

async function checkSpace(folder: string, needed: number): Promise<void> {
  const disk = await statfs(folder).catch(() => undefined)
  const free = disk && disk.blocks > 0 ? disk.bavail * disk.bsize : Infinity
  if (free >= needed) return
  throw noSpace(folder, `${needed} bytes free`, `${free} bytes`)
}

function noSpace(where: string, expected: string | undefined, found: string, cause?: unknown): HubError {
  const hint = 'Free space (`siglip cache prune`), or let the cache be on another disk (HF_HUB_CACHE).'
  return new HubError('There is not enough space on the disk', { expected, found, where, hint, cause })
}

/** What goes wrong in writing the cache, as an error of ours; other errors as they are. */
export function cacheError(error: unknown, where: string): unknown {
  const found = systemErrorCode(error)
  if (found === undefined) return error
  if (found === 'ENOSPC' || found === 'EDQUOT') return noSpace(where, undefined, found, error)
  const hint = 'Check the permissions, or choose another folder (HF_HUB_CACHE or the option `cacheDir`).'
  return new HubError('The cache can’t be written', { found, where, hint, cause: error })
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}
