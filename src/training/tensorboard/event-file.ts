import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { FileError } from '../../errors.js'
import type { RawPixels } from '../../image/decode/raw-pixels.js'
import { encodePng } from './encode-png.js'
import { histogramOf } from './histogram-of.js'
import { Message } from '../../io/protobuf.js'
import { tfRecord } from './tf-record.js'

/** How an event file is begun. */
export interface EventFileOptions {
  /** The step that a run resumes from: what earlier files of the folder have from it on, TensorBoard forgets. */
  readonly fromStep?: number | undefined
  /** Seconds since 1970. Default: the clock. */
  readonly now?: (() => number) | undefined
}

/** Files of this process, so that no two have one name. */
let opened = 0

/**
 * A file that TensorBoard reads: `tensorboard --logdir FOLDER`. What is written is on the disk when the call returns, so that a run
 * which is killed has its curves.
 *
 * Source: `event.proto` and `summary.proto` of TensorFlow.
 */
export class EventFile {
  readonly path: string
  readonly #file: number
  readonly #now: () => number

  /**
   * @param folder is made if it isn't there
   * @throws {FileError} if it can't be written
   */
  constructor(folder: string, { fromStep, now = () => Date.now() / 1000 }: EventFileOptions = {}) {
    this.#now = now
    const name = `events.out.tfevents.${Math.floor(now())}.${hostname()}.${process.pid}.${opened++}`
    this.path = path.join(folder, name)
    this.#file = this.attempt(() => {
      mkdirSync(folder, { recursive: true })
      return openSync(this.path, 'ax')
    })
    this.write(0, (event) => event.text(3, 'brain.Event:2'))
    if (fromStep !== undefined) this.write(fromStep, (event) => event.message(7, new Message().count(1, START)))
  }

  /** A point of a curve. */
  scalar(tag: string, value: number, step: number): void {
    this.summary(tag, step, (summary) => summary.float(2, value))
  }

  /** A histogram of values, e.g. a layer's weights. Non-finite values are skipped; without any value nothing is written. */
  histogram(tag: string, values: ArrayLike<number>, step: number): void {
    const histogram = histogramOf(values)
    if (!histogram) return
    const { min, max, count, sum, sumOfSquares, limits, buckets } = histogram
    const message = new Message().double(1, min).double(2, max).double(3, count).double(4, sum)
    message.double(5, sumOfSquares).packedDoubles(6, limits).packedDoubles(7, buckets)
    this.summary(tag, step, (summary) => summary.message(5, message))
  }

  /** An image. @throws {InputError} if its bytes don't fill it */
  image(tag: string, pixels: RawPixels, step: number): void {
    const { png, channels } = encodePng(pixels)
    const message = new Message().count(1, pixels.height).count(2, pixels.width).count(3, channels)
    this.summary(tag, step, (summary) => summary.message(4, message.bytes(4, png)))
  }

  /** Closes the file; what was written is in it already. */
  close(): void {
    closeSync(this.#file)
  }

  private summary(tag: string, step: number, fill: (value: Message) => Message): void {
    const value = fill(new Message().text(1, tag))
    this.write(step, (event) => event.message(5, new Message().message(1, value)))
  }

  private write(step: number, fill: (event: Message) => Message): void {
    const event = fill(new Message().double(1, this.#now()).count(2, step))
    const record = tfRecord(event.finish())
    this.attempt(() => {
      for (let at = 0; at < record.length;) at += writeSync(this.#file, record, at)
    })
  }

  private attempt<T>(work: () => T): T {
    try {
      return work()
    } catch (cause) {
      const found = cause instanceof Error ? cause.message : String(cause)
      throw new FileError('The events can’t be written', { found, where: this.path, cause })
    }
  }
}

/** `SessionLog.START`. */
const START = 1
