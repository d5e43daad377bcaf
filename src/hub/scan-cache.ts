import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { FileError } from '../errors.js'
import { hubCacheFolder } from './hub-environment.js'

/** A file of a model in the cache. */
export interface CachedFile {
  /** Where it lies, mostly as a link. */
  readonly path: string
  /** The content it leads to; undefined if that is gone. */
  readonly content: string | undefined
}

/** A model in the cache as it lies on the disk, whole or not. */
export interface CachedModel {
  readonly model: string
  readonly folder: string
  /** The commit of each branch and tag, by name. */
  readonly refs: ReadonlyMap<string, string>
  /** The files of each commit. */
  readonly snapshots: ReadonlyMap<string, readonly CachedFile[]>
  /** The contents and, ending in `.incomplete`, what has arrived of others. Python may keep them elsewhere, behind links. */
  readonly blobs: readonly CachedFile[]
  /** What processes that were killed had not put in its place yet. */
  readonly leftovers: readonly string[]
}

/**
 * Reads which models are in a cache of Python's huggingface_hub. Damage is shown as it is: `scanCacheDir` of `@huggingface/hub` would
 * leave a damaged model out.
 *
 * @param cacheDir Default: that of Python's huggingface_hub, which is empty where it isn't there.
 * @throws FileError if the folder that was asked for isn't there or can't be read.
 */
export async function scanCache(cacheDir?: string): Promise<CachedModel[]> {
  const folder = cacheDir ?? hubCacheFolder()
  const names = await readdir(folder).catch((cause: unknown) => {
    if (cacheDir === undefined) return []
    throw new FileError('The cache can’t be read', { expected: 'a folder', where: cacheDir, cause })
  })
  const folders = names.filter((name) => name.startsWith('models--')).sort()
  return Promise.all(folders.map((name) => scanModel(path.join(folder, name))))
}

async function scanModel(folder: string): Promise<CachedModel> {
  const names = await readdir(folder).catch(() => [])
  const refs = await filesBelow(path.join(folder, 'refs'))
  const commits = await readdir(path.join(folder, 'snapshots')).catch(() => [])
  const blobs = await filesBelow(path.join(folder, 'blobs'))
  return {
    model: path.basename(folder).split('--').slice(1).join('/'),
    folder,
    refs: await mapOf(refs, async (file) => [
      path.relative(path.join(folder, 'refs'), file).replaceAll(path.sep, '/'),
      (await readFile(file, 'utf8')).trim(),
    ]),
    snapshots: await mapOf(commits, async (commit) => [
      commit,
      await followed(await filesBelow(path.join(folder, 'snapshots', commit))),
    ]),
    blobs: await followed(blobs),
    leftovers: names.filter((name) => /^\.[0-9a-f]+\.tmp$/.test(name)).map((name) => path.join(folder, name)),
  }
}

/** The files, and where they lead to. */
function followed(files: readonly string[]): Promise<CachedFile[]> {
  return Promise.all(files.map(async (file) => ({ path: file, content: await realpath(file).catch(() => undefined) })))
}

/** The paths of all files below a folder; empty if the folder is missing. */
async function filesBelow(folder: string): Promise<string[]> {
  const real = await realpath(folder).catch(() => folder) // so that they compare with where links lead
  const entries = await readdir(real, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => path.join(parentPath, name))
}

async function mapOf<T, V>(items: readonly T[], entry: (item: T) => Promise<[string, V]>): Promise<Map<string, V>> {
  return new Map(await Promise.all(items.map(entry)))
}

/** The bytes that files take on the disk, counting what they share once. */
export async function bytesOf(files: Iterable<string>): Promise<number> {
  const sizes = [...new Set(files)].map(async (file) => (await stat(file).catch(() => undefined))?.size ?? 0)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
