import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'

/** Which pairs belong together, and how much each counts. */
export interface PairOptions {
  /** 1 where the two belong together, 0 where not, in the logits' shape. Default: the i-th text belongs to the i-th image alone. */
  readonly labels?: tf.Tensor2D | undefined
  /** Factors on the pairs' losses, in the logits' shape. Default: 1. */
  readonly weights?: tf.Tensor2D | undefined
}

/**
 * −Σ log σ(±logits) / n, with + where a text belongs to its picture and − everywhere else; n is the number of rows.
 * Source: Zhai et al. 2023, algorithm 1.
 *
 * @param logits `[images, texts]` or `[texts, images]`
 * @throws {InputError} for labels or weights of another shape, and for no labels of logits that are not square
 */
export function sigmoidLossOfLogits(logits: tf.Tensor2D, { labels, weights }: PairOptions = {}): tf.Scalar {
  const signs = tf.sub(tf.mul(2, pairLabels(logits, labels)), 1)
  // −log σ(x) as softplus(−x): tf.logSigmoid's gradient reads a tensor that a tidy around it has disposed.
  const losses: tf.Tensor2D = tf.softplus(tf.neg(tf.mul(signs, logits)))
  if (weights) checkPairs('weights', weights, logits)
  return tf.div(tf.sum(weights ? tf.mul(losses, weights) : losses), logits.shape[0])
}

/** The labels given, or those of pairs on the diagonal. */
export function pairLabels(logits: tf.Tensor2D, labels?: tf.Tensor2D): tf.Tensor2D {
  const [rows, columns] = logits.shape
  if (labels) {
    checkPairs('labels', labels, logits)
    return tf.cast(labels, 'float32')
  }
  if (rows === columns) return tf.eye(rows)
  const found = `${rows} and ${columns}`
  throw new InputError('no loss', {
    expected: 'as many texts as pictures',
    found,
    hint: 'Or say the labels of the pairs.',
  })
}

/** @throws {InputError} for another shape than the logits' */
export function checkPairs(name: string, found: tf.Tensor2D, logits: tf.Tensor2D): void {
  const [expected, actual] = [logits.shape, found.shape].map((shape) => `[${shape.join(', ')}]`)
  if (expected !== actual) throw new InputError(`bad ${name}`, { expected, found: actual })
}
