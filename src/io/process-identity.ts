import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { errorCode } from './system-error.js'

/**
 * Which process it is. A process id alone means something only within one PID namespace until the machine is started again, and is
 * given to another process later on: containers with one host name and a shared volume have the same ids for different processes.
 */
export interface ProcessIdentity {
  readonly pid: number
  /** The machine, its boot and the PID namespace; undefined where the system does not expose them. */
  readonly space?: string | undefined
  /** When the process started, in ticks since the machine did. */
  readonly started?: string | undefined
}

let own: ProcessIdentity | undefined

/** The identity of this process. Only Linux has ids of spaces. */
export function thisProcess(): ProcessIdentity {
  own ??= {
    pid: process.pid,
    space: spaceOf(),
    started: statOf('self')?.started,
  }
  return own
}

/**
 * Whether a process runs, if it can be determined: `unknown` if it runs in another container or on another machine, or if the
 * system doesn't report it.
 */
export function livenessOf({ pid, space, started }: ProcessIdentity): 'alive' | 'dead' | 'unknown' {
  const here = thisProcess()
  if (space === undefined || space !== here.space) return 'unknown'
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return 'dead'
  }
  const found = statOf(pid)
  if (found === undefined || started === undefined) return 'unknown' // another user's, and hidden
  return found.started === started && !found.hasEnded ? 'alive' : 'dead'
}

function spaceOf(): string | undefined {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
  const namespace = attempt(() => readlinkSync('/proc/self/ns/pid'))
  const inode = namespace && /\d+/.exec(namespace)?.[0]
  // Where `/proc` is another namespace's, its numbers are not those of `process.pid`.
  const isOwn = attempt(() => readlinkSync('/proc/self')) === String(process.pid)
  return boot !== undefined && inode !== undefined && isOwn ? `${hostname()} ${boot} ${inode}` : undefined
}

/** The fields of `/proc/<pid>/stat`: `pid (name) state ppid …`; the 22nd is the start. The name may contain anything. */
function statOf(pid: number | 'self'): { readonly hasEnded: boolean; readonly started: string } | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, started] = [fields?.[0], fields?.[19]]
  if (state === undefined || started === undefined) return undefined
  return { hasEnded: state === 'Z' || state === 'X', started } // ended, and its parent has not asked yet
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
