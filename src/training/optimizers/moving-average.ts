import * as tf from '@tensorflow/tfjs'

/**
 * Moves an average towards a value: decay · average + (1 − decay) · value.
 *
 * @param decay how much of the average is kept; a scalar tensor if it changes from step to step
 */
export function moveAverage(average: tf.Variable, value: tf.Tensor, decay: number | tf.Scalar): tf.Variable {
  const rest = typeof decay === 'number' ? 1 - decay : tf.sub(1, decay) // in float32, 1 − 0.999 is off by 5e-5 of it
  average.assign(tf.add(tf.mul(average, decay), tf.mul(value, rest)))
  return average
}
