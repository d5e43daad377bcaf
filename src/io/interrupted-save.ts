import { createHash } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { livenessOf, thisProcess } from './process-identity.js'
import { errorCode } from './system-error.js'

/** Milliseconds without a write after which another machine's save counts as abandoned; a save takes minutes. */
const ABANDONED_AFTER = 24 * 60 * 60 * 1000
/** As long, in milliseconds, a process elsewhere is given for the moment between its two renames. */
const BETWEEN_RENAMES = 1000

/**
 * The hidden folders a save works with lie beside the folder it writes, and say which process made them: `partial` ones hold what is
 * not finished yet, `replaced` ones what stood there before, for the moment between two renames.
 */
export function savingPath(folder: string, kind: 'partial' | 'replaced'): string {
  const { dir, base } = path.parse(folder)
  const { pid, space, started } = thisProcess()
  const unique = Math.random().toString(36).slice(2, 10)
  return path.join(dir, `.${base}.${kind}-${digestOf(space)}-${pid}-${started ?? UNKNOWN}-${unique}`)
}

/**
 * Clears up after saves of `folder` whose process ended in the middle: gives back what they had set aside if nothing is in its
 * place, and removes the rest. Running saves are not touched. Whether one in another container or on another machine still
 * runs can't be asked: what it works on is left alone for a day, and the only copy is given back as soon as it is sure that no
 * rename is under way.
 */
export async function clearInterruptedSaves(folder: string): Promise<void> {
  const { dir, base } = path.parse(folder)
  const names = await readdir(dir).catch(() => [])
  for (const name of names) {
    const kind = name.startsWith(`.${base}.`)
      ? /^(partial|replaced)-/.exec(name.slice(base.length + 2))?.[1]
      : undefined
    if (kind === undefined) continue
    const leftover = path.join(dir, name)
    const liveness = livenessOfSave(name)
    if (liveness === 'alive') continue
    const isOnlyCopy = kind === 'replaced' && !(await exists(folder))
    if (isOnlyCopy && (liveness === 'dead' || !(await appears(folder))))
      await rename(leftover, folder).catch(ignoreMissing)
    else if (liveness === 'dead' || (await isAbandoned(leftover))) await rm(leftover, { recursive: true, force: true })
  }
}

const UNKNOWN = 'unknown'

/** Hash of the PID namespace, for file names. */
function digestOf(space: string | undefined): string {
  return space === undefined ? UNKNOWN : createHash('sha256').update(space).digest('hex').slice(0, 16)
}

function livenessOfSave(name: string): 'alive' | 'dead' | 'unknown' {
  const [, digest, pid, started] = /-([0-9a-f]{16})-(\d+)-(\d+)-[a-z0-9]+$/.exec(name) ?? []
  const { space } = thisProcess()
  return digest === digestOf(space) ? livenessOf({ pid: Number(pid), space, started }) : 'unknown'
}

async function appears(folder: string): Promise<boolean> {
  for (const start = performance.now(); performance.now() - start < BETWEEN_RENAMES;) {
    if (await exists(folder)) return true
    await sleep(50)
  }
  return false
}

/** Whether nothing in it was written for a day. */
async function isAbandoned(leftover: string): Promise<boolean> {
  const names = await readdir(leftover, { recursive: true }).catch(() => [])
  const times = await Promise.all(
    ['.', ...names].map(async (name) => (await stat(path.join(leftover, name)).catch(() => undefined))?.mtimeMs ?? 0),
  )
  return times.every((time) => Date.now() - time > ABANDONED_AFTER)
}

async function exists(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined)) !== undefined
}

/** Another process was faster. */
function ignoreMissing(error: unknown): void {
  if (errorCode(error) !== 'ENOENT') throw error
}
