import path from 'node:path'
import { FileError } from '../errors.js'
import { withProcessLock } from '../io/process-lock.js'

/** As long, in milliseconds, it may take to find out that a lock is left over from a process that was killed. */
const PATIENCE = 2000

/** A step may block the process for so many milliseconds, in which it shows no sign of life. */
const MAX_STEP = 600_000

/**
 * Runs a training while no other process trains into the same folder: two would overwrite each other's checkpoints and metrics.
 *
 * @throws {FileError} if another process does
 */
export async function withFolderLock<T>(out: string, work: () => Promise<T>): Promise<T> {
  const waiting = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const taken = new FileError('Another process trains into this folder', {
    where: out,
    hint: 'Give another folder, or wait until it has ended.',
  })
  try {
    return await withProcessLock(
      path.join(out, '.training.lock'),
      () => {
        clearTimeout(timer)
        return work()
      },
      {
        signal: waiting.signal,
        abandonedAfter: MAX_STEP,
        onWait: () => {
          timer = setTimeout(() => {
            waiting.abort(taken)
          }, PATIENCE)
        },
      },
    )
  } finally {
    clearTimeout(timer)
  }
}
