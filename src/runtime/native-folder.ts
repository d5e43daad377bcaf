import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { cacheFolder } from './cache-folder.js'

/** The releases the native backend is put together from. */
export const TFJS_NODE_VERSION = '4.22.0'
export const TENSORFLOW_VERSION = '2.21.0'

/** Written last into a finished folder: what was put in it. A folder without it is not used. */
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
  /** The addon's path inside the folder, with `/` between parts. */
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

/** Paths inside a folder that is built from PyPI's library. */
export const nativePaths = (folder: string) => ({
  tfjsNode: join(folder, 'tfjs-node'),
  headers: join(folder, 'headers'),
  objects: join(folder, 'objects'),
  addon: join(folder, 'lib', 'tfjs_binding.node'),
  engine: join(folder, 'lib', 'engine.node'),
  quiet: join(folder, 'lib', 'quiet.node'),
})

/**
 * The finished native backend in the cache, or why there is none. Sizes are compared, not hashes: reading 0.8 GB at every
 * start would cost more than it protects; `doctor` compares hashes.
 */
export function findNativeFolder(path: string = nativeFolderPath()): NativeFolder | { readonly missing: string } {
  let marker: Marker | undefined
  try {
    marker = parseMarker(readFileSync(join(path, MARKER), 'utf8'))
  } catch {
    return { missing: 'it is not built yet' }
  }
  if (!marker) return { missing: `${join(path, MARKER)} is damaged` }
  for (const [name, { size }] of Object.entries(marker.files)) {
    const found = statSync(join(path, name), { throwIfNoEntry: false })?.size
    if (found !== size) return { missing: `${join(path, name)} is ${found === undefined ? 'missing' : 'damaged'}` }
  }
  return { path, marker }
}

function parseMarker(text: string): Marker | undefined {
  const value: unknown = JSON.parse(text)
  return isMarker(value) && value.tfjsNode === TFJS_NODE_VERSION ? value : undefined
}

function isMarker(value: unknown): value is Marker {
  if (!isRecord(value) || !isRecord(value['files'])) return false
  return (
    [value['tfjsNode'], value['tensorflow'], value['addon'], value['compiler']].every(
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
