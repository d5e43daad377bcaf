import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import { diagonalLabels } from '../../models/siglip/modeling.js'

/** Which pairs match, and their weights. */
export interface PairOptions {
  /** 1 for matching pairs, 0 for others, in the logits' shape. Default: the i-th text matches only the i-th image. */
  readonly labels?: tf.Tensor2D | undefined
  /** Factors on the pairs' losses, in the logits' shape. Default: 1. */
  readonly weights?: tf.Tensor2D | undefined
}

/** The labels given, or those of pairs on the diagonal. @throws {InputError} for labels of another shape, or none of a matrix that is not square */
export function pairLabels(logits: tf.Tensor2D, labels?: tf.Tensor2D): tf.Tensor2D {
  if (!labels) return diagonalLabels(logits)
  checkPairs('labels', labels, logits)
  return tf.cast(labels, 'float32')
}

/** @throws {InputError} for another shape than the logits' */
export function checkPairs(name: string, found: tf.Tensor2D, logits: tf.Tensor2D): void {
  const [expected, actual] = [logits.shape, found.shape].map((shape) => `[${shape.join(', ')}]`)
  if (expected !== actual) throw new InputError(`Invalid ${name}`, { expected, found: actual })
}
