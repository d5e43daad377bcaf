import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { BackendError, SiglipError } from '../errors.js'
import { withProcessLock } from '../hub/process-lock.js'
import { cacheFolder } from './cache-folder.js'
import { findNativeFolder, type Marker, nativeFolderPath } from './native-folder.js'
import { buildNative, rebuildAddons } from './setup/build-native.js'
import { installOfficial } from './setup/install-official.js'
import { sourcesHash } from './setup/native-sources.js'
import { interrupted, messageOf } from './setup/run-tool.js'
import type { SetupProgress } from './setup/setup-progress.js'

/** Options of `setup`. */
export interface SetupOptions {
  /** Stops it: nothing is left half-made, and what was downloaded is kept for the next time. */
  readonly signal?: AbortSignal
  /** Told what is done, and how far it is. */
  readonly onProgress?: (progress: SetupProgress) => void
  /** Builds again what is already there. Default: false. */
  readonly force?: boolean
}

/** What `setup` has done. */
export interface SetupReport {
  /** Where the native backend is. */
  readonly folder: string
  /**
   * `already`: it was there; `built`: from PyPI's library; `rebuilt`: its addons only, since this package brings other sources
   * of them; `official`: with tfjs-node's own installer.
   */
  readonly outcome: 'already' | 'built' | 'rebuilt' | 'official'
  /** TensorFlow's version. */
  readonly tensorflow: string
}

/**
 * Puts the native backend into the user's cache folder, once for all his projects: tfjs-node's JavaScript through npm,
 * TensorFlow's C library through pip, and their binding through the system's C++ compiler; where that fails, with
 * tfjs-node's own installer. It is made aside and moved into place when it has been seen to load.
 *
 * @throws BackendError if neither works, with the reasons and what to do, or if the signal stops it.
 */
export async function setup(options: SetupOptions = {}): Promise<SetupReport> {
  const { signal, onProgress, force = false } = options
  const folder = nativeFolderPath()
  const parent = join(cacheFolder(), 'native')
  const onWait = () => onProgress?.({ step: 'wait', message: 'another set-up, which is under way' })
  try {
    const existing = force ? undefined : await installed(folder)
    if (existing?.current) return existing.report
    const build = async (): Promise<SetupReport> => {
      const meanwhile = force ? undefined : await installed(folder)
      if (meanwhile?.current) return meanwhile.report
      if (meanwhile) {
        const { tensorflow } = await rebuildAddons(folder, options)
        return { folder, outcome: 'rebuilt', tensorflow }
      }
      await removeLeftovers(parent)
      const staging = await mkdtemp(join(parent, '.building-'))
      try {
        const { marker, outcome } = await make(staging, options)
        await replace(folder, staging)
        await rm(join(cacheFolder(), 'downloads'), { recursive: true, force: true })
        return { folder, outcome, tensorflow: marker.tensorflow }
      } finally {
        await rm(staging, { recursive: true, force: true })
      }
    }
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

/** What is there, and whether its addons were compiled from the sources that this package brings. */
async function installed(folder: string): Promise<{ report: SetupReport; current: boolean } | undefined> {
  const found = findNativeFolder(folder)
  if ('missing' in found) return undefined
  const { tensorflow, sources } = found.marker
  const current = sources === null || sources === (await sourcesHash())
  return { report: { folder, outcome: 'already', tensorflow }, current }
}

/** What a process that was killed has left. Under the lock nobody else is building. */
async function removeLeftovers(parent: string): Promise<void> {
  const names = await readdir(parent)
  await Promise.all(
    names
      .filter((name) => name.startsWith('.building-') || name.startsWith('.old-'))
      .map((name) => rm(join(parent, name), { recursive: true, force: true })),
  )
}

async function replace(folder: string, staging: string): Promise<void> {
  const old = join(folder, '..', `.old-${process.pid}`)
  if (existsSync(folder)) await rename(folder, old)
  await rename(staging, folder)
  await rm(old, { recursive: true, force: true })
}

interface Made {
  readonly marker: Marker
  readonly outcome: SetupReport['outcome']
}

async function make(staging: string, options: SetupOptions): Promise<Made> {
  const { signal } = options
  try {
    return { marker: await buildNative(staging, options), outcome: 'built' }
  } catch (error) {
    if (signal?.aborted) throw interrupted()
    await rm(staging, { recursive: true })
    await mkdir(staging)
    try {
      return { marker: await installOfficial(staging, options), outcome: 'official' }
    } catch (second) {
      if (signal?.aborted) throw interrupted()
      throw new BackendError('The native backend cannot be set up', {
        found: `${messageOf(error)} — and with tfjs-node's own installer: ${messageOf(second)}`,
        hint: 'Everything runs without it, on WebAssembly.',
        cause: error,
      })
    }
  }
}
