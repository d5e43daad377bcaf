import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'

/**
 * How well each of some things goes with each of others: their cosine, times exp(scale), plus the bias.
 * Source: Zhai et al. 2023, algorithm 1, lines 6 to 8.
 *
 * @param rows `[rows, width]`, of length one
 * @param columns `[columns, width]`, of length one
 * @param scale the logarithm of the scale: a scalar or `[1]`
 * @returns `[rows, columns]`
 * @throws {InputError} if their widths differ
 */
export function pairLogits(rows: tf.Tensor2D, columns: tf.Tensor2D, scale: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  const [rowWidth, columnWidth] = [rows.shape[1], columns.shape[1]]
  if (rowWidth !== columnWidth) {
    throw new InputError('the embeddings of texts and images differ in width', {
      expected: `${columnWidth}`,
      found: `${rowWidth}`,
      hint: "The text tower's projection_size must be the image tower's hidden_size.",
    })
  }
  return tf.tidy(() => {
    const cosines = tf.matMul(rows, columns, false, true)
    return tf.add(tf.mul(cosines, tf.exp(scale)), bias)
  })
}
