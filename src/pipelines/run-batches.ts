import { InputError } from '../errors.js'
import { inBatches, prefetched } from '../prefetched.js'
import type { OnTruncatedTexts } from '../tokenizer/truncated-texts.js'

/** How far a run is. */
export interface Progress {
  /** Inputs whose results the caller has got. */
  readonly done: number
  /** All inputs, if they are a list. */
  readonly total?: number
  /** Inputs a second, so far. */
  readonly rate: number
  /** Seconds that the rest takes at this rate, if the total is known. */
  readonly secondsLeft?: number
}

/** How inputs go through a model. */
export interface RunOptions {
  /** Inputs that go through the model at once. Default: 8. */
  readonly batchSize?: number | undefined
  /** Stops between two batches, by its own reason. */
  readonly signal?: AbortSignal | undefined
  /** Called after each batch. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Called once at the end of a run that truncated texts. Default: warns on the console, with their number. */
  readonly onTruncated?: OnTruncatedTexts | undefined
}

/** Batches that are prepared ahead: a model that blocks the event loop lets no new one begin while it runs. */
const BATCHES_AHEAD = 2

/**
 * Prepares inputs ahead, one by one, and computes with them batch by batch.
 *
 * @param compute makes a batch's results; the caller's then, also if the run ends early.
 * @throws {InputError} for a `batchSize` that is none; and what `prepare` and `compute` throw
 */
export async function* runBatches<T, Prepared, Results>(
  inputs: Iterable<T> | AsyncIterable<T>,
  prepare: (input: T) => Prepared | Promise<Prepared>,
  compute: (batch: readonly Prepared[]) => Results | Promise<Results>,
  { batchSize = 8, signal, onProgress }: RunOptions = {},
): AsyncGenerator<Results> {
  const size = checkedSize(batchSize)
  const total = Array.isArray(inputs) ? inputs.length : undefined
  const since = Date.now()
  let done = 0
  const prepared = prefetched(inputs, prepare, { ahead: size * BATCHES_AHEAD, signal })
  for await (const batch of inBatches(prepared, size)) {
    signal?.throwIfAborted()
    yield await compute(batch)
    done += batch.length
    onProgress?.(progress(done, total, (Date.now() - since) / 1000))
    await nextTask() // so that timers and signals have their turn
  }
}

function progress(done: number, total: number | undefined, seconds: number): Progress {
  const rate = done / Math.max(seconds, 1e-3)
  return { done, rate, ...(total !== undefined && { total, secondsLeft: (total - done) / rate }) }
}

const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

function checkedSize(batchSize: number): number {
  if (Number.isInteger(batchSize) && batchSize > 0 && batchSize <= MAX_BATCH_SIZE) return batchSize
  throw new InputError('Invalid batchSize', {
    expected: `a whole number from 1 to ${MAX_BATCH_SIZE}`,
    found: String(batchSize),
  })
}

/** Twice as many inputs are prepared ahead. */
const MAX_BATCH_SIZE = 65_536
