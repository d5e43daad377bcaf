import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** As long it may take a holder, in milliseconds, to write its name into the lock it has made. */
const NAMED_AFTER = 1000
const POLL = 50

/** How a lock is waited for. */
export interface LockOptions {
  readonly signal?: AbortSignal | undefined
  /** Told once, if another process holds the lock. */
  readonly onWait?: (() => void) | undefined
  /** Tells whether something else is still to be waited for, once the lock is held. */
  readonly isBlocked?: (() => Promise<boolean>) | undefined
  /** A lock whose holder has not touched it for so many milliseconds is left over. Default: 30,000. */
  readonly abandonedAfter?: number | undefined
}

/**
 * Runs `work` while no other process does so under the same lock: a file that its holder makes, touches as long as it lives, and
 * removes. One that a killed process left behind is taken over, at once if the process ran on this machine.
 */
export async function withProcessLock<T>(
  lock: string,
  work: () => Promise<T>,
  { signal, isBlocked, onWait, abandonedAfter = 30_000 }: LockOptions = {},
): Promise<T> {
  const holder = [process.pid, hostname(), randomUUID()].join('\n')
  await mkdir(path.dirname(lock), { recursive: true })
  for (let waits = 0; !(await taken(lock, holder, abandonedAfter)); waits++) {
    if (waits === 0) onWait?.()
    await wait(signal)
  }
  const heartbeat = setInterval(() => {
    utimes(lock, new Date(), new Date()).catch(() => undefined) // gone: there is nothing to keep
  }, abandonedAfter / 6)
  try {
    while (await isBlocked?.()) await wait(signal)
    return await work()
  } finally {
    clearInterval(heartbeat)
    if ((await contentOf(lock)) === holder) await rm(lock, { force: true })
  }
}

/** Whether a live process holds the lock. */
async function isHeld(lock: string, abandonedAfter: number): Promise<boolean> {
  const found = await stat(lock).catch(() => undefined)
  if (!found) return false
  const age = Date.now() - found.mtimeMs
  const [pid, host] = ((await contentOf(lock)) ?? '').split('\n')
  if (host === undefined) return age < NAMED_AFTER
  return age < abandonedAfter && (host !== hostname() || isAlive(Number(pid)))
}

async function taken(lock: string, holder: string, abandonedAfter: number): Promise<boolean> {
  try {
    const file = await open(lock, 'wx', 0o664)
    try {
      await file.writeFile(holder)
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
  const other = await contentOf(lock)
  if (other !== undefined && !(await isHeld(lock, abandonedAfter))) await remove(lock, other)
  return false
}

/** Moved aside first, so that of two processes that found it left over only one takes it away. */
async function remove(lock: string, holder: string): Promise<void> {
  const aside = `${lock}.${randomUUID()}`
  try {
    await rename(lock, aside)
  } catch {
    return
  }
  if ((await contentOf(aside)) === holder) await rm(aside, { force: true })
  else await rename(aside, lock)
}

async function wait(signal: AbortSignal | undefined): Promise<void> {
  await sleep(POLL, undefined, signal && { signal }).catch(() => undefined)
  signal?.throwIfAborted()
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM' // there, but another user's
  }
}

function contentOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined)
}

function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined
}
