import type { SingleBar } from 'cli-progress'
import type { Session } from './session.js'

/** Shows on stderr, where that is a terminal, how far a run is, how fast, and the time left. */
export class Progress {
  #done = 0
  readonly #since = Date.now()

  private constructor(
    private readonly total: number,
    private readonly bar: SingleBar | undefined,
  ) {
    this.#show()
  }

  /**
   * @param few so many are done too soon to show anything.
   * @param unit what is counted, in the plural.
   */
  static async start(session: Session, total: number, few: number, unit: string): Promise<Progress> {
    if (total <= few || session.quiet || !process.stderr.isTTY) return new Progress(total, undefined)
    const { SingleBar } = await import('cli-progress')
    return new Progress(
      total,
      new SingleBar({
        format: `{bar} {value} of {total} ${unit}, {rate}, {left}`,
        barsize: 24,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        stream: process.stderr,
        clearOnComplete: true,
      }),
    )
  }

  /** One more is done. What `print` writes stands above the bar, on the same terminal maybe. */
  step(print: () => void): void {
    this.#done++
    this.end()
    print()
    this.#show()
  }

  /** Takes the bar away. */
  end(): void {
    this.bar?.stop()
  }

  #show(): void {
    const rate = this.#done / Math.max((Date.now() - this.#since) / 1000, 0.001)
    const left = Math.ceil((this.total - this.#done) / rate)
    this.bar?.start(this.total, this.#done, {
      rate: this.#done === 0 ? 'loading' : `${rate.toPrecision(3)}/s`,
      left: this.#done === 0 ? 'time left unknown' : `${left} s left`,
    })
  }
}
