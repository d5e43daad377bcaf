import { bytesOf, scanCache } from './scan-cache.js'

/** A commit of a model in the cache. */
export interface CacheEntry {
  readonly model: string
  readonly commit: string
  /** The branches and tags that stood at it. */
  readonly refs: readonly string[]
  /** How many of its files are there, and how many bytes they have. */
  readonly files: number
  readonly bytes: number
}

/**
 * The models in the cache, a commit each.
 *
 * @param options.cacheDir Default: that of Python's huggingface_hub.
 */
export async function listCache(options: { readonly cacheDir?: string | undefined } = {}): Promise<CacheEntry[]> {
  const { cacheDir } = options
  const entries: CacheEntry[] = []
  for (const { model, refs, snapshots } of await scanCache(cacheDir)) {
    for (const [commit, files] of snapshots) {
      const contents = files.flatMap(({ content }) => content ?? [])
      const names = [...refs].filter(([, at]) => at === commit).map(([name]) => name)
      entries.push({ model, commit, refs: names, files: contents.length, bytes: await bytesOf(contents) })
    }
  }
  return entries
}
