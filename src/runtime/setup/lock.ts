import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { interrupted } from './run-tool.js'

/** How a lock is waited for. */
export interface LockOptions {
  readonly signal?: AbortSignal | undefined
  /** Told once, if another process holds the lock. */
  readonly onWait?: (() => void) | undefined
  /** A lock not touched for so long is abandoned, in milliseconds. Default: one minute. */
  readonly abandonedAfter?: number
}

/**
 * Runs `work` while no other process on this cache does. The lock is a file that its owner touches as long as it lives,
 * so a lock left behind by a process that was killed does not last.
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const { abandonedAfter = 60_000 } = options
  await mkdir(dirname(path), { recursive: true })
  const owner = [process.pid, hostname(), randomUUID()].join('\n')
  await acquire(path, owner, { ...options, abandonedAfter })
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => undefined) // gone: then there is nothing to keep alive
  }, abandonedAfter / 6)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    if ((await contentOf(path)) === owner) await rm(path, { force: true })
  }
}

async function acquire(path: string, owner: string, options: LockOptions & { abandonedAfter: number }): Promise<void> {
  const { signal, onWait, abandonedAfter } = options
  for (let waited = false; ; waited = true) {
    if (signal?.aborted) throw interrupted()
    try {
      await writeFile(path, owner, { flag: 'wx' })
      return
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error
    }
    const holder = await contentOf(path)
    if (holder !== undefined && (await isAbandoned(path, holder, abandonedAfter))) {
      await remove(path, holder)
      continue
    }
    if (!waited) onWait?.()
    await sleep(Math.min(250, abandonedAfter / 4), undefined, { ...(signal && { signal }) }).catch(() => undefined)
  }
}

async function isAbandoned(path: string, holder: string, abandonedAfter: number): Promise<boolean> {
  const touched = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  )
  if (touched === undefined) return false
  if (Date.now() - touched > abandonedAfter) return true
  const [pid, host] = holder.split('\n')
  return host === hostname() && !isAlive(Number(pid))
}

/** Moved aside first, so that of two processes that found it abandoned only one takes it away. */
async function remove(path: string, holder: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  if ((await contentOf(aside)) !== holder) await rename(aside, path)
  else await rm(aside, { force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM')
  }
}

function contentOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code
}
