import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FileError } from '../errors.js'
import { makeFolder } from './make-folder.js'
import { livenessOf, type ProcessIdentity, thisProcess } from './process-identity.js'
import { errorCode } from './system-error.js'

/** How a lock is waited for. */
export interface LockOptions {
  readonly signal?: AbortSignal | undefined
  /** Called once, if another process holds the lock. */
  readonly onWait?: (() => void) | undefined
  /** Whether something else is still to be waited for, once the lock is held. */
  readonly isBlocked?: (() => Promise<boolean>) | undefined
  /** Milliseconds without a write after which a lock counts as stale, if its holder can't be checked. Default: 30,000. */
  readonly abandonedAfter?: number | undefined
}

/** The content of a lock: its holder, and a counter that grows while the holder runs. */
interface Holder extends ProcessIdentity {
  /** Unique for each acquisition. */
  readonly id: string
}

const MIN_PAUSE = 50
const MAX_PAUSE = 250

/**
 * Runs `work` while no other process does so under the same lock: a file that its holder makes, writes to as long as it lives, and
 * removes.
 *
 * A lock may be left over: its process was killed, or the machine stopped. In the same PID namespace that is asked of the system, by
 * process id and start time, and an ended holder's lock is taken over at once. Of a holder elsewhere (another container, another
 * machine on a network folder, the same machine before it was started again) only the writing can be seen: when it has not changed
 * for `abandonedAfter`, measured by this process while it looks on. No clock is compared with another, so clocks that are set, and
 * machines that were suspended, change nothing.
 *
 * A holder elsewhere that was suspended may so lose its lock. It notices: the signal that `work` gets is aborted then.
 *
 * (npm's proper-lockfile does not serve: it compares a file's time with the clock; asks for no process, so that each killed one is
 * waited for; and removes a lock that is left over by its name, so that two which find it at once may both hold it.)
 *
 * @param work gets a signal that is aborted when `options.signal` is, or when the lock is lost.
 * @throws FileError if the lock was lost to another process. The system's error if the folder can't be written.
 */
export async function withProcessLock<T>(
  lock: string,
  work: (signal: AbortSignal) => Promise<T>,
  { signal, isBlocked, onWait, abandonedAfter = 30_000 }: LockOptions = {},
): Promise<T> {
  await makeFolder(path.dirname(lock))
  const claim = new Claim(lock, abandonedAfter)
  const lost = new AbortController()
  const inside = signal ? AbortSignal.any([signal, lost.signal]) : lost.signal
  try {
    for (let waits = 0; !(await claim.take()); waits++) {
      if (waits === 0) onWait?.()
      await pause(signal, waits)
    }
    claim.keep(() => {
      const hint = 'It was suspended for too long, or the file was removed. Run it again.'
      lost.abort(new FileError('A lock was lost to another process', { where: lock, hint }))
    })
    for (let waits = 0; await isBlocked?.(); waits++) await pause(inside, waits)
    const result = await work(inside)
    lost.signal.throwIfAborted()
    return result
  } catch (error) {
    lost.signal.throwIfAborted()
    throw error
  } finally {
    await claim.end()
  }
}

/** One attempt to hold a lock, from the first look to the end. */
class Claim {
  private readonly id = randomBytes(8).toString('hex')
  private readonly sightings = new Map<string, Sighting>()
  private file: FileHandle | undefined
  private heartbeat: NodeJS.Timeout | undefined
  private beats = 0

  constructor(
    private readonly lock: string,
    private readonly abandonedAfter: number,
  ) {}

  /** Whether the lock is held from here on. */
  async take(): Promise<boolean> {
    const isTaken = await this.takeFile(this.lock)
    if (isTaken) await this.clearLeftovers()
    return isTaken
  }

  /** From now on shows that the holder lives, and looks whether it still holds the lock. */
  keep(onLost: () => void): void {
    this.heartbeat = setInterval(() => {
      void this.beat().then((isOurs) => {
        if (!isOurs && this.heartbeat) {
          clearInterval(this.heartbeat)
          onLost()
        }
      })
    }, this.abandonedAfter / 6)
  }

  /** Releases the lock. If it can't be removed, it is stale, and detected as such. */
  async end(): Promise<void> {
    await this.release().catch(() => undefined)
    await this.file?.close().catch(() => undefined)
    this.file = undefined
  }

  private async release(): Promise<void> {
    clearInterval(this.heartbeat)
    this.heartbeat = undefined
    if (this.file && (await look(this.lock))?.id === this.id) {
      // Only the process with the right to replace this holder's lock may remove it: one that took it over in the meantime keeps it.
      const right = rightTo(this.lock, this.id)
      const file = await this.create(right)
      await file?.close()
      if (file) {
        if ((await look(this.lock))?.id === this.id) await rm(this.lock, { force: true })
        await rm(right, { force: true })
      }
    }
  }

  /**
   * Makes a file that only one can make; or, if it is left over, replaces it. To replace it takes the right to, which is a file again
   * that only one can make, named after the holder that it replaces; as that name is never used twice, a right that comes too late
   * leads to nothing. The file of the right becomes the lock in one step: at no moment is there none, which a third might make.
   */
  private async takeFile(file: string): Promise<boolean> {
    const made = await this.create(file)
    if (made) return this.hold(made, file)
    const found = await look(file)
    if (found === undefined || this.isHeld(file, found)) return false
    const right = rightTo(file, found.id)
    if (!(await this.takeFile(right))) return false
    if ((await look(file))?.id !== found.id) {
      if ((await look(right))?.id === this.id) await rm(right, { force: true })
      return (await look(file))?.id === this.id // another has moved this one's right
    }
    await rename(right, file).catch(ignoreMissing) // gone: taken for left over itself
    return (await look(file))?.id === this.id
  }

  /** The file is held if what it holds is still ours: it may have been taken for left over while it was being written. */
  private async hold(made: FileHandle, file: string): Promise<boolean> {
    await this.file?.close()
    this.file = made
    return (await look(file))?.id === this.id
  }

  private async create(file: string): Promise<FileHandle | undefined> {
    let made: FileHandle
    try {
      made = await open(file, 'wx+', 0o664)
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return undefined
      throw error
    }
    try {
      await this.write(made)
      return made
    } catch (error) {
      await made.close() // the disk is full
      await rm(file, { force: true })
      throw error
    }
  }

  private async write(file: FileHandle): Promise<void> {
    const holder: Holder = { ...thisProcess(), id: this.id }
    const text = `${JSON.stringify(holder)}\n${String(this.beats).padStart(12)}\n`
    await file.write(text, 0, 'utf8')
    await file.datasync().catch(() => undefined) // other machines shall see it
  }

  /** Writes to this holder's own file, even if another one has replaced it. Returns whether the lock is still ours. */
  private async beat(): Promise<boolean> {
    this.beats++
    if (this.file) await this.write(this.file).catch(() => undefined)
    const found = await look(this.lock).catch(() => 'unreadable' as const)
    return found === 'unreadable' || found?.id === this.id
  }

  private isHeld(file: string, found: Found): boolean {
    const sighting = this.sightings.get(file) ?? new Sighting()
    this.sightings.set(file, sighting)
    const quiet = sighting.quietFor(found.text)
    const isHere = found.holder?.pid === process.pid && found.holder.space === thisProcess().space
    // A thread of this process that has ended leaves its locks too.
    const liveness = found.holder && !isHere ? livenessOf(found.holder) : 'unknown'
    return liveness === 'alive' || (liveness === 'unknown' && quiet < this.abandonedAfter)
  }

  /** Removes rights to replace holders that are gone: nothing comes of them. */
  private async clearLeftovers(): Promise<void> {
    const folder = path.dirname(this.lock)
    const start = `${path.basename(this.lock)}.`
    const names = await readdir(folder).catch(() => [])
    for (const name of names) {
      const isRight = name.startsWith(start) && name.endsWith(RIGHT) && !name.startsWith(`${start}${this.id}.`)
      if (isRight) await rm(path.join(folder, name), { force: true }).catch(() => undefined)
    }
  }
}

const RIGHT = '.takeover'

function rightTo(file: string, id: string): string {
  const base = file.endsWith(RIGHT) ? file.slice(0, -RIGHT.length) : file
  return `${base}.${id}${RIGHT}`
}

/** How long a file has been unchanged, in milliseconds. */
class Sighting {
  private text: string | undefined
  private quiet = 0
  private at = 0

  /** A pause that was longer than it should have been was no look: this process was suspended itself, and the holder may have been. */
  quietFor(text: string): number {
    const now = performance.now()
    this.quiet = text === this.text ? this.quiet + Math.min(now - this.at, 2 * MAX_PAUSE) : 0
    this.at = now
    this.text = text
    return this.quiet
  }
}

interface Found {
  readonly id: string
  readonly text: string
  /** Undefined while a holder writes its name, and where it was killed before that. */
  readonly holder: Holder | undefined
}

/** What a lock holds. It is opened, since what a network folder reports of a closed file may be old. */
async function look(file: string): Promise<Found | undefined> {
  const handle = await open(file).catch(ignoreMissing)
  if (handle === undefined) return undefined
  try {
    const { ino, birthtimeMs } = await handle.stat()
    const text = await handle.readFile('utf8')
    const holder = holderOf(text)
    return { text, holder, id: holder?.id ?? `${ino}-${birthtimeMs}` }
  } finally {
    await handle.close()
  }
}

function ignoreMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ESTALE') throw error
}

function holderOf(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text.split('\n')[0] ?? '')
    return isHolder(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null || !('pid' in value && 'id' in value)) return false
  const isTextOrMissing = (name: 'space' | 'started') =>
    !(name in value) || typeof (value as Partial<Holder>)[name] === 'string'
  const isNamed = typeof value.id === 'string' && /^[0-9a-f]{16}$/.test(value.id)
  return isNamed && typeof value.pid === 'number' && isTextOrMissing('space') && isTextOrMissing('started')
}

async function pause(signal: AbortSignal | undefined, waits: number): Promise<void> {
  const longest = Math.min(MIN_PAUSE * 1.1 ** waits, MAX_PAUSE)
  await sleep(longest * (0.5 + Math.random() / 2), undefined, signal && { signal }).catch(() => undefined)
  signal?.throwIfAborted()
}
