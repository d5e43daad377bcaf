import { lstat, rm } from 'node:fs/promises'
import path from 'node:path'
import { bytesOf, scanCache, type CachedModel } from './scan-cache.js'

/** Milliseconds without a write after which a file counts as no longer being downloaded. */
const QUIET_AFTER = 60_000

/** Something in the cache that loading by a branch or tag never reaches. */
export interface Unreferenced {
  readonly model: string
  /** `revision`: a commit that no branch or tag stands at any more; `partial`: of a download that was stopped; `content`: linked by none. */
  readonly kind: 'revision' | 'partial' | 'content'
  readonly path: string
  /** What removing it frees. */
  readonly bytes: number
}

/**
 * Removes from the cache what loading by a branch or tag never reaches: old commits, stopped downloads, contents that nothing links
 * to. Running downloads are kept. Commits that were only ever asked for by their hash count as old.
 *
 * @param options.dryRun whether to only report. Default: true.
 * @returns what was removed, or would be.
 */
export async function pruneCache(
  options: { readonly cacheDir?: string | undefined; readonly dryRun?: boolean | undefined } = {},
): Promise<Unreferenced[]> {
  const { cacheDir, dryRun = true } = options
  const found = (await Promise.all((await scanCache(cacheDir)).map(unreferenced))).flat()
  // Links before what they lead to: nothing is left that leads nowhere.
  if (!dryRun) for (const { path: place } of found) await rm(place, { recursive: true, force: true })
  return found
}

async function unreferenced({
  model,
  folder,
  refs,
  snapshots,
  blobs,
  leftovers,
}: CachedModel): Promise<Unreferenced[]> {
  const current = new Set(refs.values())
  const kept = new Set<string | undefined>()
  const revisions: Unreferenced[] = []
  for (const [commit, files] of snapshots) {
    const snapshot = path.join(folder, 'snapshots', commit)
    if (current.has(commit) || !(await isQuiet(snapshot))) for (const { content } of files) kept.add(content)
    else {
      const own = files.filter((file) => file.content === file.path) // where the disk knows no links
      revisions.push({ model, kind: 'revision', path: snapshot, bytes: await bytesOf(own.map((file) => file.path)) })
    }
  }
  const rest: Unreferenced[] = []
  for (const { path: file, content } of blobs) {
    if (kept.has(content) || !(await isQuiet(file))) continue
    const kind = file.endsWith('.incomplete') ? 'partial' : 'content'
    rest.push({ model, kind, path: file, bytes: await bytesOf([file]) })
  }
  for (const file of leftovers)
    if (await isQuiet(file)) rest.push({ model, kind: 'partial', path: file, bytes: (await lstat(file)).size })
  return [...revisions, ...rest]
}

async function isQuiet(place: string): Promise<boolean> {
  const found = await lstat(place).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs > QUIET_AFTER
}
