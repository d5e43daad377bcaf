import { InputError } from '../../errors.js'
import { checkLabels, readMatrix, type MatrixInput } from './matrix-input.js'

/** How well a classifier does, over all and by class. */
export interface ClassificationReport {
  /** The share of rows named rightly. */
  readonly accuracy: number
  /** `confusion[actual][named]`: how many rows. */
  readonly confusion: readonly Int32Array[]
  /** In the order of the classes. */
  readonly classes: readonly ClassReport[]
}

/** How well a classifier knows a class. A share of nothing is 0, as in scikit-learn. */
export interface ClassReport {
  /** Of the rows that are named so, the share that are it. */
  readonly precision: number
  /** Of the rows that are it, the share that are named so. */
  readonly recall: number
  /** The harmonic mean of both. */
  readonly f1: number
  /** The rows that are it. */
  readonly support: number
}

/**
 * Compares a classifier's scores with the labels. Of equal scores the first class counts, as by `argmax`.
 *
 * @param scores `[rows, classes]`
 * @param labels the class of each row
 * @throws {InputError} for scores that are NaN, for another number of labels than rows, and for unknown classes
 */
export async function classificationReport(
  scores: MatrixInput,
  labels: ArrayLike<number>,
): Promise<ClassificationReport> {
  const { data, rows, columns } = await readMatrix(scores, 'scores')
  if (columns > MAX_CLASSES) {
    throw new InputError('too many classes', { expected: `at most ${MAX_CLASSES}`, found: String(columns) })
  }
  checkLabels(labels, rows, columns)
  const confusion = Array.from({ length: columns }, () => new Int32Array(columns))
  for (let row = 0; row < rows; row++) {
    const named = highest(data.subarray(row * columns, (row + 1) * columns))
    const counts = confusion[labels[row] ?? 0]
    if (counts) counts[named] = (counts[named] ?? 0) + 1
  }
  const right = confusion.reduce((sum, counts, i) => sum + (counts[i] ?? 0), 0)
  return { accuracy: right / rows, confusion, classes: confusion.map((_, i) => classReport(confusion, i)) }
}

/** The table of a confusion has a gigabyte then. */
const MAX_CLASSES = 2 ** 14

function classReport(confusion: readonly Int32Array[], place: number): ClassReport {
  const right = confusion[place]?.[place] ?? 0
  const support = confusion[place]?.reduce((sum, count) => sum + count, 0) ?? 0
  const named = confusion.reduce((sum, counts) => sum + (counts[place] ?? 0), 0)
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
  return {
    precision: share(right, named),
    recall: share(right, support),
    f1: share(2 * right, named + support),
    support,
  }
}

function highest(scores: Float32Array): number {
  return scores.reduce((best, score, i) => (score > (scores[best] ?? -Infinity) ? i : best), 0)
}
