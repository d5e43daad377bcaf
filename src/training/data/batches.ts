import { InputError } from '../../errors.js'
import { DEFAULT_SEED, seedOf, uniformStream } from '../../random.js'
import { permutation, planBatches, planDefaults, type PlanOptions } from './batch-plan.js'
import type { Sample, TrainingData } from './sample.js'

/** How data comes in batches. */
export interface BatchesOptions extends PlanOptions {
  /** Random seed. Default: 0. */
  readonly seed?: number | undefined
  /** Number of passes over the data. Default: unlimited. */
  readonly epochs?: number | undefined
  /** Where to continue: the `next` of the last batch that was used. Default: the beginning. */
  readonly from?: Position | undefined
}

/** A place in the data, as plain JSON. */
export interface Position {
  /** From 0. */
  readonly epoch: number
  /** From 0; the epoch's order of pools is another each time. */
  readonly pool: number
  /** From 0, in the pool. */
  readonly batch: number
}

/** Samples that go through the model together. */
export interface SampleBatch {
  readonly samples: readonly SeededSample[]
  /** The epoch it belongs to, from 0. */
  readonly epoch: number
  /** Where the data continues after it: save it with the weights trained on it. */
  readonly next: Position
  /** The pool that its samples come from. */
  readonly pool?: Pool | undefined
}

/** The samples that were in memory together. */
export interface Pool {
  readonly samples: readonly Sample[]
  /** From 0, in the epoch. */
  readonly place: number
}

/** A sample and the seed of what is random about it in this epoch: its augmentation, the choice of a caption. */
export interface SeededSample {
  readonly sample: Sample
  readonly seed: number
}

/**
 * Goes through data in batches, in an order that depends only on the seed: from any {@link Position} it continues as it would have
 * without a break. Images are not read yet. What doesn't fill a batch at the end of a pool is left to another epoch.
 *
 * @throws {InputError} for options that are wrong, and for data that doesn't fill a batch
 * @example
 *     for await (const { samples, next } of sampleBatches(data, { batchSize: 192, distinct: 'label', seed: 1, from })) { … }
 */
export async function* sampleBatches(data: TrainingData, options: BatchesOptions): AsyncGenerator<SampleBatch> {
  const { seed = DEFAULT_SEED, epochs = Infinity, from = { epoch: 0, pool: 0, batch: 0 } } = options
  checkPosition(from)
  let { pool, batch } = from
  for (let { epoch } = from; epoch < epochs; epoch++, pool = 0) {
    const random = (name: string): (() => number) => uniformStream(seedOf(seed, `${epoch}/${name}`))
    const order = orderOf(options, epoch)
    const isWhole = pool === 0 && batch === 0
    let hasBatches = false
    let largest = 0
    for (; ; pool++, batch = 0) {
      const samples = await data.pool(pool, order)
      if (!samples) break
      const plan = planBatches(keysOf(samples, options), options, random(`pool ${pool}`))
      hasBatches ||= plan.length > 0
      largest = Math.max(largest, samples.length)
      for (; batch < plan.length; batch++) {
        yield {
          samples: Array.from(plan[batch] ?? [], (place) => seeded(samples, place, seed, epoch)),
          epoch,
          pool: { samples, place: pool },
          next: batch + 1 < plan.length ? { epoch, pool, batch: batch + 1 } : { epoch, pool: pool + 1, batch: 0 },
        }
      }
    }
    if (isWhole && !hasBatches) {
      throw new InputError('The data does not fill a batch', {
        expected: `${options.batchSize} samples that go together`,
        found: largest < options.batchSize ? `${largest} samples` : `fewer that do, of ${largest} samples`,
        hint: 'Take smaller batches (batchSize, --batch-size).',
      })
    }
  }
}

/** The order that shards have in an epoch: what a pool is made of depends on it. */
export function orderOf(
  { seed = DEFAULT_SEED, shuffle = planDefaults.shuffle }: Pick<BatchesOptions, 'seed' | 'shuffle'>,
  epoch: number,
): (count: number) => Int32Array {
  return (count) =>
    shuffle
      ? permutation(count, uniformStream(seedOf(seed, `${epoch}/shards`)))
      : Int32Array.from({ length: count }, (_, i) => i)
}

/** The caption of a sample in an epoch: one of its captions. */
export function captionOf({ sample: { captions }, seed }: SeededSample): string {
  const random = uniformStream(seedOf(seed, 'caption'))
  return captions[Math.floor(random() * captions.length)] ?? ''
}

function seeded(samples: readonly Sample[], place: number, seed: number, epoch: number): SeededSample {
  const sample = samples[place]
  if (!sample) throw new RangeError(`sample ${place} is out of range`)
  return { sample, seed: seedOf(seed, `${epoch}/${sample.key}`) }
}

function keysOf(samples: readonly Sample[], { distinct, each }: PlanOptions): readonly string[] {
  const byCaption = distinct === 'caption'
  if (!distinct && each !== 'label') return samples.map(({ key }) => key)
  return samples.map(({ label, captions }) => (byCaption ? undefined : label) ?? captions[0] ?? '')
}

function checkPosition(position: Position): void {
  for (const [name, value] of [
    ['epoch', position.epoch],
    ['pool', position.pool],
    ['batch', position.batch],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= 0) continue
    throw new InputError('Invalid position in the data', {
      expected: 'whole numbers from 0',
      found: String(value),
      where: name,
    })
  }
}
