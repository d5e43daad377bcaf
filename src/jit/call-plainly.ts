import * as tf from '@tensorflow/tfjs'

/** Calls a function that no engine runs. As of a recording, nothing of it is left but its result and its variables. */
export function callPlainly<Result>(fn: () => Result): Result {
  return tf.tidy(() => fn() as tf.TensorContainer) as Result // the tensors in it are found, whatever it is
}
