import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { HubError } from '../errors.js'
import type { CheckpointFolder } from './checkpoint-folder.js'
import { cacheError, downloadBlob } from './download-blob.js'
import { isFlocked } from '../io/flock.js'
import type { HubSettings } from './hub-environment.js'
import type { DownloadProgress } from './hub-options.js'
import { LocalFolder } from './local-folder.js'
import { exists, type ModelCache } from './model-cache.js'
import { listModel, type HubFile } from './model-listing.js'
import { withProcessLock } from '../io/process-lock.js'

/** Which model at which commit, and how it was asked for. */
export interface HubModel {
  readonly model: string
  readonly revision: string
  readonly commit: string
  readonly cache: ModelCache
  /** Offline, only the cache is available. */
  readonly isOffline: boolean
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
}

/**
 * A model of the hub as a checkpoint folder: a file is fetched into the cache when its bytes are first asked for, so that what a
 * loader does not read is never downloaded.
 */
export class HubFolder implements CheckpointFolder {
  private readonly local: LocalFolder
  private listing: Promise<ReadonlyMap<string, HubFile>> | undefined
  private readonly fetches = new Map<string, Promise<void>>()

  constructor(
    private readonly model: HubModel,
    private readonly settings: HubSettings,
  ) {
    this.local = new LocalFolder(model.cache.snapshot(model.commit))
  }

  /** The folder in the cache that holds the files fetched so far. */
  get location(): string {
    return this.local.location
  }

  async has(name: string): Promise<boolean> {
    const { cache, commit, isOffline } = this.model
    if (await this.local.has(name)) return true
    if (isOffline || (await cache.isMissing(commit, name))) return false
    if ((await this.files()).has(name)) return true
    await cache.markMissing(commit, name).catch(() => undefined) // only saves a question
    return false
  }

  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    await this.fetch(name)
    return this.local.bytes(name)
  }

  async size(name: string): Promise<number> {
    if (await this.local.has(name)) return this.local.size(name)
    return (await this.file(name)).size
  }

  async range(name: string, start: number, end: number, room?: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.fetch(name)
    return this.local.range(name, start, end, room)
  }

  /** The names of the model's files; without a connection, of those that were fetched before. */
  async names(): Promise<readonly string[]> {
    if (!this.model.isOffline) return [...(await this.files()).keys()]
    const entries = await readdir(this.location, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => !entry.isDirectory())
    return files.map(({ parentPath, name }) =>
      path.relative(this.location, path.join(parentPath, name)).replaceAll(path.sep, '/'),
    )
  }

  /** Sees to it that a file is in the cache. @throws HubError */
  fetch(name: string): Promise<void> {
    const fetching = this.fetches.get(name) ?? this.fetchOnce(name)
    this.fetches.set(name, fetching)
    fetching.catch(() => this.fetches.delete(name)) // the next call tries again
    return fetching
  }

  private async fetchOnce(name: string): Promise<void> {
    const { cache, commit, revision, isOffline } = this.model
    if (!(await this.local.has(name))) await this.download(name, await this.file(name))
    // From here on offline use finds this commit. A cache that can't be written may still be read.
    if (!isOffline) await cache.writeRef(revision, commit).catch(() => undefined)
  }

  private async download(name: string, { etag, size }: HubFile): Promise<void> {
    const { model, commit, cache, onProgress } = this.model
    const { endpoint, signal } = this.settings
    const blob = cache.blob(etag)
    const url = `${endpoint}/${model}/resolve/${commit}/${name.split('/').map(encodeURIComponent).join('/')}`
    const onBytes = (loadedBytes: number): void => onProgress?.({ file: name, loadedBytes, totalBytes: size })
    const work = async (inside: AbortSignal): Promise<void> => {
      if (await this.local.has(name)) return // another process was first
      const isNew = !(await exists(blob))
      if (isNew) await downloadBlob({ ...this.settings, signal: inside }, { url, blob, etag, size, onBytes })
      await cache.link(etag, commit, name, isNew)
    }
    // Python locks `<etag>.lock` and leaves it there, empty; ours, which exists while it is held, lies beside. Where it can be seen
    // that Python holds its lock, we wait. It does not see ours: then both download, each to a separate file, which is harmless.
    const lock = cache.lock(etag)
    try {
      await withProcessLock(`${lock.slice(0, -'.lock'.length)}.js.lock`, work, {
        signal,
        isBlocked: () => isFlocked(lock),
      })
    } catch (error) {
      throw cacheError(error, blob)
    }
  }

  private async file(name: string): Promise<HubFile> {
    const { model, revision, isOffline } = this.model
    const where = isOffline ? this.location : `${model}, revision ${revision}`
    const file = isOffline ? undefined : (await this.files()).get(name)
    if (file) return file
    throw new HubError(isOffline ? 'The file is not in the cache' : 'The model does not have this file', {
      expected: name,
      found: isOffline ? undefined : [...(await this.files()).keys()].slice(0, 20).join(', '),
      where,
      hint: isOffline ? 'Load the model once with a connection: without localFilesOnly and HF_HUB_OFFLINE.' : undefined,
    })
  }

  private files(): Promise<ReadonlyMap<string, HubFile>> {
    const { model, commit, isOffline } = this.model
    if (isOffline) return Promise.resolve(new Map())
    this.listing ??= listModel(this.settings, model, commit)
    this.listing.catch(() => (this.listing = undefined))
    return this.listing
  }
}
