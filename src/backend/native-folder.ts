import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { cacheFolder } from './cache-folder.js'

/** The releases the native backend is put together from. */
export const TFJS_NODE_VERSION = '4.22.0'
export const TENSORFLOW_VERSION = '2.21.0'

/**
 * Written last, as a whole: which files belong together. They lie at paths that no later set-up writes to, so what a marker names is
 * never a mix of two. A folder without it is not used.
 */
export const MARKER = 'installed.json'

/** A file's size in bytes and its hash, as they were when the folder was finished. */
export interface InstalledFile {
  readonly size: number
  readonly sha256: string
}

/** What `installed.json` says. */
export interface Marker {
  readonly tfjsNode: string
  readonly tensorflow: string
  /** The folder inside it that holds the library and tfjs-node's JavaScript; `.` where an earlier version has built it. */
  readonly root: string
  /** The addon's path inside the folder, with `/` between parts. The engine lies beside it. */
  readonly addon: string
  /** The command line that made the addon. */
  readonly compiler: string
  /** Hash of the sources that the addons were compiled from; null in tfjs-node's own installation. */
  readonly sources: string | null
  /** Why there is no engine, if there is none. */
  readonly noEngine: string | null
  /** Every file but the marker and the compiler's objects, by its path inside the folder with `/` between parts. */
  readonly files: Readonly<Record<string, InstalledFile>>
}

/** A native backend that `siglip setup` has finished. */
export interface NativeFolder {
  readonly path: string
  readonly marker: Marker
}

/** Where the native backend for these releases, this platform and this processor belongs. */
export function nativeFolderPath(cache: string = cacheFolder()): string {
  return join(cache, 'native', `${TFJS_NODE_VERSION}-${TENSORFLOW_VERSION}-${process.platform}-${process.arch}`)
}

/** Paths inside the root of a folder that is built from PyPI's library. */
export const nativePaths = (root: string) => ({
  tfjsNode: join(root, 'tfjs-node'),
  headers: join(root, 'headers'),
  objects: join(root, 'objects'),
  libraries: join(root, 'lib'),
})

/** How the names of the folders begin that hold everything of a build, and inside it those of its addons. */
export const ROOT = 'root-'
export const ADDONS = 'addons-'

/** The addons that are compiled together, and belong together. */
export const addonPaths = (folder: string) => ({
  addon: join(folder, 'tfjs_binding.node'),
  engine: join(folder, 'engine.node'),
  quiet: join(folder, 'quiet.node'),
})

/**
 * The finished native backend in the cache, or why there is none. Sizes are compared, not hashes: reading 0.8 GB at every
 * start would cost more than it protects; `doctor` compares hashes.
 */
export function findNativeFolder(path: string = nativeFolderPath()): NativeFolder | { readonly missing: string } {
  return useNativeFolder((folder) => folder, path)
}

/**
 * What `load` makes of the finished native backend, or why there is none. Where a set-up replaces it at the same time, and removes what
 * `load` was about to read, the new one is taken.
 *
 * @throws what `load` throws of a backend that is still the current one.
 */
export function useNativeFolder<T>(
  load: (folder: NativeFolder) => T,
  path: string = nativeFolderPath(),
): T | { readonly missing: string } {
  for (let text = markerText(path); ;) {
    const found = text === undefined ? { missing: 'it is not built yet' } : whole(path, text)
    let failure: unknown
    try {
      if (!('missing' in found)) return load(found)
    } catch (error) {
      failure = error
    }
    const now = markerText(path)
    if (now === text) {
      if ('missing' in found) return found
      throw failure
    }
    text = now
  }
}

function markerText(path: string): string | undefined {
  try {
    return readFileSync(join(path, MARKER), 'utf8')
  } catch {
    return undefined
  }
}

/** The folder, if every file that its marker names is there in its size. */
function whole(path: string, text: string): NativeFolder | { readonly missing: string } {
  const marker = parseMarker(text)
  if (!marker) return { missing: `${join(path, MARKER)} is damaged` }
  for (const [name, { size }] of Object.entries(marker.files)) {
    const found = statSync(join(path, name), { throwIfNoEntry: false })?.size
    if (found !== size) return { missing: `${join(path, name)} is ${found === undefined ? 'missing' : 'damaged'}` }
  }
  return { path, marker }
}

function parseMarker(text: string): Marker | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const marker = isRecord(value) ? { root: '.', ...value } : value
    return isMarker(marker) && marker.tfjsNode === TFJS_NODE_VERSION ? marker : undefined
  } catch {
    return undefined
  }
}

function isMarker(value: unknown): value is Marker {
  if (!isRecord(value) || !isRecord(value['files'])) return false
  return (
    [value['tfjsNode'], value['tensorflow'], value['root'], value['addon'], value['compiler']].every(
      (text) => typeof text === 'string',
    ) &&
    [value['sources'], value['noEngine']].every((text) => typeof text === 'string' || text === null) &&
    Object.values(value['files']).every(
      (file) => isRecord(file) && typeof file['size'] === 'number' && typeof file['sha256'] === 'string',
    )
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
