import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import type { NdArray } from '../../nd-array.js'

/** Embeddings or scores, a row each: a tensor, or a typed array with its shape. */
export type MatrixInput = tf.Tensor2D | NdArray<Float32Array>

/** A matrix whose rows can be read. */
export interface Matrix {
  readonly data: Float32Array
  readonly rows: number
  readonly columns: number
}

/**
 * The numbers of a matrix.
 *
 * @param where the argument it came in, for messages.
 * @throws {InputError} unless it is `[rows, columns]`, neither of them 0, of finite numbers
 */
export async function readMatrix(input: MatrixInput, where: string): Promise<Matrix> {
  const [rows = 0, columns = 0, ...more]: readonly number[] = input.shape
  const data = input instanceof tf.Tensor ? Float32Array.from(await input.data()) : input.data
  if (more.length > 0 || rows < 1 || columns < 1 || data.length !== rows * columns) {
    throw new InputError(`Invalid ${where}`, {
      expected: '[rows, columns]',
      found: `[${input.shape.join(', ')}] with ${data.length} numbers`,
    })
  }
  const place = data.findIndex((value) => !Number.isFinite(value))
  if (place < 0) return { data, rows, columns }
  throw new InputError(`${where} contains NaN`, {
    expected: 'finite numbers',
    found: String(data[place]),
    where: `row ${Math.floor(place / columns)}, column ${place % columns}`,
    hint: 'If a model made them, its training may have diverged.',
  })
}

/**
 * Checks the classes of a matrix's rows.
 *
 * @throws {InputError} unless there is one for each row, from 0 to below `classes`
 */
export function checkLabels(labels: ArrayLike<number>, rows: number, classes: number): void {
  if (labels.length !== rows) {
    throw new InputError('Invalid labels', { expected: `one for each of ${rows} rows`, found: String(labels.length) })
  }
  const wrong = Array.from(labels).find((label) => !Number.isInteger(label) || label < 0 || label >= classes)
  if (wrong === undefined) return
  throw new InputError('Invalid labels', { expected: `whole numbers from 0 to ${classes - 1}`, found: String(wrong) })
}
