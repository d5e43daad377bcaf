import { InputError } from '../../errors.js'
import { NumberHeap } from '../../tokenizer/tokenizer-json/number-heap.js'

/** How samples are batched. */
export interface PlanOptions {
  readonly batchSize: number
  /** Default: true. */
  readonly shuffle?: boolean | undefined
  /**
   * What is unique in a batch: two samples of one label or caption would be each other's false negatives. `'label'` uses the
   * caption of samples without a label. Default: nothing.
   */
  readonly distinct?: 'label' | 'caption' | undefined
  /**
   * What an epoch contains once: every sample, or every label (or caption, if `distinct` is that) with one random sample.
   * Default: `'sample'`.
   */
  readonly each?: 'sample' | 'label' | undefined
  /**
   * How many consecutive samples shuffling keeps together. Where neighbours look alike, a batch then has hard
   * negatives. Default: 1.
   */
  readonly neighbours?: number | undefined
  /** Whether an incomplete last batch is dropped. Default: true. */
  readonly dropLast?: boolean | undefined
}

/** The defaults of batching. */
export const planDefaults = Object.freeze({ shuffle: true, each: 'sample', neighbours: 1, dropLast: true } as const)

/** The numbers from 0 to below `count` in a random order (Fisher and Yates). */
export function permutation(count: number, random: () => number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const other = order[j] ?? 0
    order[j] = order[i] ?? 0
    order[i] = other
  }
  return order
}

/** Those numbers in runs of `length`, one after the other in each; the runs begin at a random place, and their order is random. */
function shuffledRuns(count: number, length: number, random: () => number): Int32Array {
  if (length === 1) return permutation(count, random)
  const first = Math.floor(random() * length)
  const runs = permutation(Math.ceil((count + first) / length), random)
  const inRuns = [...runs].flatMap((run) => Array.from({ length }, (_, i) => run * length - first + i))
  return Int32Array.from(inRuns.filter((place) => place >= 0 && place < count))
}

/**
 * Puts samples into the batches of an epoch. The same numbers from `random` give the same batches.
 *
 * @param keys what must differ in a batch, one for each sample
 * @returns the indices of the samples of each batch
 * @throws {InputError} unless `batchSize` and `neighbours` are whole numbers from 1
 */
export function planBatches(
  keys: readonly string[],
  options: PlanOptions,
  random: () => number,
): readonly Int32Array[] {
  const { batchSize, distinct, shuffle = planDefaults.shuffle, each = planDefaults.each } = options
  const { neighbours = planDefaults.neighbours, dropLast = planDefaults.dropLast } = options
  for (const [name, value] of Object.entries({ batchSize, neighbours })) {
    if (Number.isInteger(value) && value >= 1) continue
    throw new InputError(`Invalid ${name}`, { expected: 'a whole number from 1', found: String(value) })
  }
  const ordered = (count: number): Int32Array =>
    shuffle ? shuffledRuns(count, neighbours, random) : Int32Array.from({ length: count }, (_, i) => i)
  const order = each === 'label' ? oneOfEach(keys, ordered, random) : ordered(keys.length)
  const batches = distinct && each === 'sample' ? distinctBatches(keys, order, batchSize) : inRows(order, batchSize)
  return dropLast ? batches.filter((batch) => batch.length === batchSize) : batches
}

function oneOfEach(keys: readonly string[], ordered: (count: number) => Int32Array, random: () => number): Int32Array {
  const byKey = new Map<string, number[]>()
  for (const [place, key] of keys.entries()) {
    const places = byKey.get(key)
    if (places) places.push(place)
    else byKey.set(key, [place])
  }
  const groups = [...byKey.values()]
  return ordered(groups.length).map((group) => {
    const places = groups[group] ?? []
    return places[Math.floor(random() * places.length)] ?? 0
  })
}

function inRows(order: Int32Array, size: number): Int32Array[] {
  return Array.from({ length: Math.ceil(order.length / size) }, (_, i) => order.slice(i * size, (i + 1) * size))
}

/** A sample whose key is in the batch already waits for the next batch, before all that come later. */
function distinctBatches(keys: readonly string[], order: Int32Array, size: number): Int32Array[] {
  const batches: Int32Array[] = []
  const waiting = new Map<string, Waiting>()
  const firsts = new NumberHeap() // of those that wait for the same key, the turn of the first
  for (let next = 0; next < order.length || waiting.size > 0;) {
    const batch = new Map<string, number>()
    while (batch.size < size) {
      const turn = firsts.pop() ?? next++
      if (turn >= order.length) break
      const index = order[turn] ?? 0
      const key = keys[index] ?? ''
      const like = waiting.get(key)
      if (!batch.has(key)) batch.set(key, index)
      else if (like) like.turns.push(turn)
      else waiting.set(key, { turns: [turn], taken: 0 })
    }
    for (const key of batch.keys()) {
      const like = waiting.get(key)
      const turn = like?.turns[like.taken++]
      if (turn !== undefined) firsts.push(turn)
      else waiting.delete(key)
    }
    batches.push(Int32Array.from(batch.values()))
  }
  return batches
}

/** Samples of one key that wait for a batch, by their turns in the order. */
interface Waiting {
  readonly turns: number[]
  taken: number
}
