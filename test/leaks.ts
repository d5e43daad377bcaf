import * as tf from '@tensorflow/tfjs'

/** How many tensors there are more after it than before, whether it returns or throws. What it returns is disposed. */
export async function leaked(run: () => unknown): Promise<number> {
  const before = tf.memory().numTensors
  try {
    const result = await run()
    if (typeof result === 'object' && result !== null) tf.dispose(result as tf.TensorContainer)
  } catch {
    // the tensors that it left behind are counted all the same
  }
  return tf.memory().numTensors - before
}
