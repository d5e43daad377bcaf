import type { SingleBar } from 'cli-progress'
import type { Session } from './session.js'

/** A bar at the bottom of the terminal. */
export class Progress {
  #done: number
  #note = ''
  readonly #since = Date.now()

  private constructor(
    private readonly session: Session,
    private readonly total: number,
    private readonly bar: SingleBar | undefined,
    private readonly begun: number,
  ) {
    this.#done = begun
  }

  /**
   * Shows on stderr, where that is a terminal, how far a run is, how fast, and the time left; from the first result on.
   *
   * @param few so many are done too soon to show anything.
   * @param unit what is counted, in the plural.
   * @param begun so many were done before.
   */
  static async start(session: Session, total: number, few: number, unit: string, begun = 0): Promise<Progress> {
    if (total <= few || session.quiet || !process.stderr.isTTY) return new Progress(session, total, undefined, begun)
    const { default: cliProgress } = await import('cli-progress')
    const bar = new cliProgress.SingleBar({
      format: `{bar} {value} of {total} ${unit}{pace}`,
      barsize: 24,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      stream: process.stderr,
      clearOnComplete: true,
    })
    const progress = new Progress(session, total, bar, begun)
    session.print = (write) => {
      bar.stop() // which takes it off the terminal
      write()
      progress.#show()
    }
    return progress
  }

  /** One more is done. @param note what is shown beside it from now on */
  step(note = ''): void {
    this.#done++
    this.#note = note
  }

  /** Takes the bar away for good. */
  end(): void {
    this.bar?.stop()
    this.session.print = (write) => {
      write()
    }
  }

  #show(): void {
    const rate = (this.#done - this.begun) / ((Date.now() - this.#since) / 1000)
    const left = Math.ceil((this.total - this.#done) / rate)
    const pace = this.#done > this.begun ? `, ${rate.toPrecision(3)}/s, ${left} s left${this.#note}` : ''
    this.bar?.start(this.total, this.#done, { pace })
  }
}

/** Milliseconds between two looks of a bar that is shown by what it counts. */
const SHOWN_EVERY = 100

/**
 * A bar of something whose total is known only once the first is done.
 * @param few and unit, as for {@link Progress.start}
 */
export function progressOnceKnown(
  session: Session,
  few: number,
  unit: string,
): { readonly onProgress: (done: number, total: number) => void; readonly end: () => Promise<void> } {
  let starting: Promise<Progress> | undefined
  let shown = 0
  let hasEnded = false
  const show = (progress: Progress): void => {
    if (hasEnded) return
    progress.step()
    if (Date.now() - shown < SHOWN_EVERY) return
    shown = Date.now()
    session.print(() => undefined)
  }
  return {
    onProgress: (_, total) => {
      if (hasEnded) return
      starting ??= Progress.start(session, total, few, unit)
      starting.then(show, () => undefined) // a bar that can't be shown is none
    },
    end: async () => {
      hasEnded = true
      ;(await starting?.catch(() => undefined))?.end()
    },
  }
}
