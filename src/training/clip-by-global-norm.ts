import * as tf from '@tensorflow/tfjs'

/**
 * Scales gradients down so that their length as one vector is at most `maxNorm`, as `torch.nn.utils.clip_grad_norm_` does.
 *
 * @param gradients by name; they stay the caller's
 * @returns the scaled gradients and the length before, all the caller's to dispose
 */
export function clipByGlobalNorm(
  gradients: tf.NamedTensorMap,
  maxNorm: number,
): { readonly gradients: tf.NamedTensorMap; readonly norm: tf.Scalar } {
  return tf.tidy(() => {
    const squares = Object.values(gradients).map((gradient): tf.Scalar => tf.sum(tf.square(gradient)))
    const norm: tf.Scalar = tf.sqrt(squares.length > 0 ? tf.addN(squares) : tf.scalar(0))
    const scale = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1)
    const clipped = Object.entries(gradients).map(([name, gradient]): [string, tf.Tensor] => [
      name,
      tf.mul(gradient, scale),
    ])
    return { gradients: Object.fromEntries(clipped), norm }
  })
}
