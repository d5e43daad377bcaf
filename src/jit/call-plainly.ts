import * as tf from '@tensorflow/tfjs'

/** Calls a function that no engine runs. As of a recording, nothing of it is left but its result and its variables. */
export function callPlainly<Args extends readonly unknown[], Result>(
  fn: (...args: Args) => Result,
  args: Args,
): Result {
  return tf.tidy(() => fn(...args) as tf.TensorContainer) as Result // the tensors in it are found, whatever it is
}
