import { checkLabels, readMatrix, type MatrixInput } from './matrix-input.js'
import { probabilityWithin, tiedRank } from './tied-rank.js'

/**
 * The share of rows whose class is among the k highest scores, by k. Equal scores count by the chance they give.
 *
 * @param scores `[rows, classes]`: logits, cosines or probabilities
 * @param labels the class of each row
 * @throws {InputError} for scores that are NaN, for another number of labels than rows, and for unknown classes
 */
export async function topAccuracy(
  scores: MatrixInput,
  labels: ArrayLike<number>,
  ks: readonly number[] = [1, 5],
): Promise<Readonly<Record<number, number>>> {
  const { data, rows, columns } = await readMatrix(scores, 'scores')
  checkLabels(labels, rows, columns)
  const found = new Float64Array(ks.length)
  for (let row = 0; row < rows; row++) {
    const rank = tiedRank(data.subarray(row * columns, (row + 1) * columns), (candidate) => candidate === labels[row])
    for (const [i, k] of ks.entries()) found[i] = (found[i] ?? 0) + probabilityWithin(k, rank)
  }
  return Object.fromEntries(ks.map((k, i) => [k, (found[i] ?? 0) / rows]))
}
