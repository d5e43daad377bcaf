import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'

/**
 * −Σ log σ(±logits) / n, with + where a text belongs to its picture (the diagonal) and − everywhere else.
 * Source: Zhai et al. 2023, algorithm 1.
 *
 * @param logits `[n, n]`
 */
export function sigmoidLoss(logits: tf.Tensor2D): tf.Scalar {
  const [texts, images] = logits.shape
  if (texts !== images) {
    throw new InputError('no loss', { expected: 'as many texts as pictures', found: `${texts} and ${images}` })
  }
  const signs = tf.sub(tf.mul(2, tf.eye(texts)), 1)
  // −log σ(x) as softplus(−x): tf.logSigmoid's gradient reads a tensor that a tidy around it has disposed.
  return tf.div(tf.sum(tf.softplus(tf.neg(tf.mul(signs, logits)))), texts)
}
