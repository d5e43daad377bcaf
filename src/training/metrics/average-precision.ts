import { InputError } from '../../errors.js'
import { readMatrix, type MatrixInput } from './matrix-input.js'

/** How well classes that may apply together are found. */
export interface MeanAveragePrecision {
  /** Over the classes that apply to any row. */
  readonly mean: number
  /** In the order of the classes; undefined where one applies to no row. */
  readonly classes: readonly (number | undefined)[]
}

/**
 * The area under the precision–recall curve, without interpolation: Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct scores from the highest. Equal
 * to scikit-learn's `average_precision_score`.
 *
 * @param relevant whether each is right, in the order of the scores
 * @returns undefined if none is right
 * @throws {InputError} for another number of scores than of `relevant`, and for a score that is NaN: it has no place in an order
 */
export function averagePrecision(scores: ArrayLike<number>, relevant: ArrayLike<unknown>): number | undefined {
  if (scores.length !== relevant.length) {
    throw new InputError('Invalid relevant', {
      expected: `one for each of ${scores.length} scores`,
      found: `${relevant.length}`,
    })
  }
  const nan = Array.prototype.findIndex.call(scores, (score) => Number.isNaN(score))
  if (nan >= 0)
    throw new InputError('scores contains NaN', { expected: 'numbers', found: 'NaN', where: `score ${nan}` })
  const order = Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
  let [right, area, before] = [0, 0, 0]
  for (const [seen, place] of order.entries()) {
    if (relevant[place]) right++
    const next = order[seen + 1]
    if (next !== undefined && scores[next] === scores[place]) continue // a threshold lets in all equals at once
    area += (right - before) * (right / (seen + 1))
    before = right
  }
  return right === 0 ? undefined : area / right
}

/**
 * The mean of the classes' average precisions, for images with several labels.
 *
 * @param scores `[rows, classes]`
 * @param targets `[rows, classes]`: 1 where a class applies, else 0
 * @throws {InputError} for different shapes, and for scores that are NaN
 */
export async function meanAveragePrecision(scores: MatrixInput, targets: MatrixInput): Promise<MeanAveragePrecision> {
  const { data, rows, columns } = await readMatrix(scores, 'scores')
  const truth = await readMatrix(targets, 'targets')
  if (truth.rows !== rows || truth.columns !== columns) {
    throw new InputError('Invalid targets', {
      expected: `[${rows}, ${columns}], as the scores`,
      found: `[${truth.rows}, ${truth.columns}]`,
    })
  }
  const column = (values: Float32Array, place: number): Float32Array =>
    Float32Array.from({ length: rows }, (_, row) => values[row * columns + place] ?? 0)
  const classes = Array.from({ length: columns }, (_, i) => averagePrecision(column(data, i), column(truth.data, i)))
  const applying = classes.filter((value) => value !== undefined)
  const mean = applying.reduce((sum, value) => sum + value, 0) / Math.max(1, applying.length)
  return { mean, classes }
}
