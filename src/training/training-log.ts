import path from 'node:path'
import { EventFile } from './tensorboard/event-file.js'
import { MetricsFile } from './tensorboard/metrics-file.js'

/** The metrics of a training, as lines of `metrics.jsonl` and as curves in TensorBoard. */
export class TrainingLog {
  readonly #metrics: MetricsFile
  readonly #events: EventFile

  /**
   * @param step that a training resumes after: what was logged of later ones is removed
   * @throws {FileError} if the files can't be written
   */
  constructor(out: string, step: number) {
    this.#metrics = new MetricsFile(path.join(out, 'metrics.jsonl'), step + 1)
    this.#events = new EventFile(out, { fromStep: step + 1 })
  }

  write(step: number, figures: Readonly<Record<string, number>>): void {
    this.#metrics.write(step, figures)
    for (const [name, value] of Object.entries(figures)) this.#events.scalar(name, value, step)
  }

  close(): void {
    this.#metrics.close()
    this.#events.close()
  }
}
