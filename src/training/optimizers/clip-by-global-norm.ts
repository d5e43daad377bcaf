import * as tf from '@tensorflow/tfjs'

/** Gradients that are not longer than allowed, and how long they were. */
export interface ClippedGradients {
  readonly gradients: tf.NamedTensorMap
  /** Of all as one vector, before. */
  readonly norm: tf.Scalar
  /** Of each, before. */
  readonly norms: tf.NamedTensorMap
}

/**
 * Scales gradients down so that their length as one vector is at most `maxNorm`, as `torch.nn.utils.clip_grad_norm_` does.
 *
 * @param gradients by name; they stay the caller's
 * @returns all the caller's to dispose
 */
export function clipByGlobalNorm(gradients: tf.NamedTensorMap, maxNorm: number): ClippedGradients {
  return tf.tidy(() => {
    const entries = Object.entries(gradients)
    const squares = entries.map(([name, gradient]): [string, tf.Scalar] => [name, tf.sum(tf.square(gradient))])
    const norm: tf.Scalar = tf.sqrt(entries.length > 0 ? tf.addN(squares.map(([, square]) => square)) : tf.scalar(0))
    const scale = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1)
    const clipped = entries.map(([name, gradient]): [string, tf.Tensor] => [name, tf.mul(gradient, scale)])
    const norms = squares.map(([name, square]): [string, tf.Tensor] => [name, tf.sqrt(square)])
    return { gradients: Object.fromEntries(clipped), norm, norms: Object.fromEntries(norms) }
  })
}
