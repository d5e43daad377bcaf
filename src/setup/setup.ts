import { mkdir, mkdtemp, readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'

import { messageOf } from '../io/system-error.js'
import { BackendError, SiglipError } from '../errors.js'
import { withProcessLock } from '../io/process-lock.js'
import { cacheFolder } from '../backend/cache-folder.js'
import {
  ADDONS,
  findNativeFolder,
  MARKER,
  type Marker,
  type NativeFolder,
  nativeFolderPath,
  ROOT,
} from '../backend/native-folder.js'
import { buildNative, type MakeOptions, rebuildAddons } from './build-native.js'
import { installOfficial } from './install-official.js'
import { sourcesHash } from './native-sources.js'
import { interrupted } from './run-tool.js'
import type { SetupProgress } from './setup-progress.js'

/** Options of `setup`. */
export interface SetupOptions {
  /** Stops it: nothing is left half-made, and what was downloaded is kept for the next time. */
  readonly signal?: AbortSignal
  /** Called with the current step and its progress. */
  readonly onProgress?: (progress: SetupProgress) => void
  /** Rebuilds an existing backend. Default: false. */
  readonly force?: boolean
  /**
   * Uses tfjs-node's own installer instead: its script downloads TensorFlow 2.9 from its makers' host, without a hash to compare
   * with, and there is no engine then. Default: false, and nothing that fails falls back to it.
   */
  readonly official?: boolean
}

/** What `setup` has done. */
export interface SetupReport {
  /** Where the native backend is. */
  readonly folder: string
  /**
   * `already`: it was there; `built`: from PyPI's library; `rebuilt`: only its addons, since this package has other sources
   * of them; `official`: with tfjs-node's own installer.
   */
  readonly outcome: 'already' | 'built' | 'rebuilt' | 'official'
  /** TensorFlow's version. */
  readonly tensorflow: string
}

/**
 * Puts the native backend into the user's cache folder, once for all of the user's projects: tfjs-node's JavaScript through npm,
 * TensorFlow's C library through pip, and their binding through the system's C++ compiler. What arrives with another hash than
 * the one that this package expects is rejected. It is built aside and replaces the old one atomically, once it has loaded successfully:
 * programs that start during it find the old one or the new one, and those that run keep theirs.
 *
 * @throws BackendError if it can't be built, with the reason and what to do, or if the signal stops it; what was there stays.
 */
export async function setup(options: SetupOptions = {}): Promise<SetupReport> {
  const { signal, onProgress } = options
  const folder = nativeFolderPath()
  const parent = join(cacheFolder(), 'native')
  const onWait = () => onProgress?.({ step: 'wait', message: 'another set-up, which is under way' })
  try {
    const existing = await installed(folder, options)
    if (existing?.state === 'current') return existing.report
    const build = (inside: AbortSignal) => buildInside(folder, { ...options, signal: inside })
    return await withProcessLock(join(parent, 'lock'), build, { signal, onWait })
  } catch (cause) {
    if (signal?.aborted) throw interrupted()
    if (cause instanceof SiglipError) throw cause
    throw new BackendError('The native backend cannot be set up', {
      found: messageOf(cause),
      where: folder,
      hint: 'Set SIGLIP_CACHE to a folder that can be written.',
      cause,
    })
  }
}

/** Under the lock. */
async function buildInside(folder: string, options: SetupOptions & MakeOptions): Promise<SetupReport> {
  const existing = await installed(folder, options)
  if (existing?.state === 'current') return existing.report
  await removeLeftovers(folder, existing?.found.marker)
  if (existing?.state === 'outdated') {
    const marker = await rebuildAddons(existing.found, options)
    await removeLeftovers(folder, marker)
    return { folder, outcome: 'rebuilt', tensorflow: marker.tensorflow }
  }
  await mkdir(folder, { recursive: true })
  const root = await mkdtemp(join(folder, ROOT))
  try {
    const { marker, outcome } = await make({ folder, root: relative(folder, root) }, options)
    await removeLeftovers(folder, marker)
    await rm(join(cacheFolder(), 'downloads'), { recursive: true, force: true })
    return { folder, outcome, tensorflow: marker.tensorflow }
  } catch (error) {
    await rm(root, { recursive: true, force: true })
    await rmdir(folder).catch(() => undefined) // stays where something is in it
    throw error
  }
}

interface Installed {
  readonly report: SetupReport
  /** `outdated`: its addons were built from other sources than this package's; `unwanted`: another one is requested. */
  readonly state: 'current' | 'outdated' | 'unwanted'
  readonly found: NativeFolder
}

/** The existing backend, if it is complete. */
async function installed(
  folder: string,
  { force = false, official = false }: SetupOptions,
): Promise<Installed | undefined> {
  const found = findNativeFolder(folder)
  if ('missing' in found) return undefined
  const { tensorflow, sources } = found.marker
  const report = { folder, outcome: 'already', tensorflow } as const
  if (force || (official && sources !== null)) return { report, state: 'unwanted', found }
  const isCurrent = sources === null || sources === (await sourcesHash())
  return { report, state: isCurrent ? 'current' : 'outdated', found }
}

/** Removes what the current marker does not name: older builds, and what a process that was killed has left. */
async function removeLeftovers(folder: string, marker: Marker | undefined): Promise<void> {
  const remove = async (within: string, isLeft: (name: string) => boolean): Promise<void> => {
    const names = await readdir(within).catch(() => [])
    await Promise.all(names.filter(isLeft).map((name) => rm(join(within, name), { recursive: true, force: true })))
  }
  // Earlier versions moved whole folders.
  await remove(dirname(folder), (name) => name.startsWith('.building-') || name.startsWith('.old-'))
  const kept = new Set([MARKER, marker?.root])
  await remove(folder, (name) =>
    marker === undefined || marker.root === '.' ? name.startsWith(ROOT) : !kept.has(name),
  )
  if (marker === undefined) return
  const root = join(folder, marker.root)
  const addons = relative(root, dirname(join(folder, marker.addon))).split(sep)[0]
  await remove(root, (name) => name.startsWith(ADDONS) && name !== addons)
}

interface Made {
  readonly marker: Marker
  readonly outcome: SetupReport['outcome']
}

async function make(place: { folder: string; root: string }, options: SetupOptions & MakeOptions): Promise<Made> {
  try {
    if (options.official) return { marker: await installOfficial(place, options), outcome: 'official' }
    return { marker: await buildNative(place, options), outcome: 'built' }
  } catch (cause) {
    if (options.signal?.aborted) throw interrupted()
    throw new BackendError('The native backend cannot be set up', {
      found: messageOf(cause),
      hint: 'Everything runs without it, on WebAssembly.',
      cause,
    })
  }
}
