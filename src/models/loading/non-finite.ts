import * as tf from '@tensorflow/tfjs'

/** A value of a tensor that is NaN or infinite. */
export interface NonFinite {
  readonly value: number
  /** Its index in row-major order. */
  readonly index: number
}

/**
 * The first value of a float32 tensor that is NaN or infinite; undefined if all are finite. A finite sum proves it without the values
 * being read back.
 */
export async function firstNonFiniteOf(tensor: tf.Tensor): Promise<NonFinite | undefined> {
  const sum = tf.sum(tensor)
  try {
    const [total = NaN] = await sum.data()
    if (Number.isFinite(total)) return undefined
  } finally {
    sum.dispose()
  }
  const values = await tensor.data<'float32'>() // large finite values may add up to infinity
  const index = values.findIndex((value) => !Number.isFinite(value))
  return index < 0 ? undefined : { value: values[index] ?? NaN, index }
}
