import { readdir, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'

/**
 * The hidden folders a save works with lie beside the folder it writes, and say who made them: `partial` ones hold what is not
 * finished yet, `replaced` ones what stood there before, for the moment between two renames.
 */
export function savingPath(folder: string, kind: 'partial' | 'replaced'): string {
  const { dir, base } = path.parse(folder)
  const unique = Math.random().toString(36).slice(2, 10)
  return path.join(dir, `.${base}.${kind}-${hostname()}-${process.pid}-${unique}`)
}

/**
 * Clears up after saves of `folder` whose process ended in the middle: gives back what they had set aside if nothing is in its
 * place, and removes the rest. Saves that still run are left alone.
 */
export async function clearInterruptedSaves(folder: string): Promise<void> {
  const { dir, base } = path.parse(folder)
  const names = await readdir(dir).catch(() => [])
  for (const name of names) {
    const [, kind, host, pid] = name.startsWith(`.${base}.`)
      ? (/^(partial|replaced)-(.*)-(\d+)-[a-z0-9]+$/.exec(name.slice(base.length + 2)) ?? [])
      : []
    if (kind === undefined || host !== hostname() || isRunning(Number(pid))) continue
    const leftover = path.join(dir, name)
    const isOnlyCopy = kind === 'replaced' && (await stat(folder).catch(() => undefined)) === undefined
    await (isOnlyCopy ? rename(leftover, folder) : rm(leftover, { recursive: true, force: true }))
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // A process of another user can't be asked, but is there.
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPERM'
  }
}
