import * as tf from '@tensorflow/tfjs'

/** How a message calls a tensor. */
export const nameOf = (tensor: tf.Tensor): string =>
  tensor instanceof tf.Variable ? tensor.name : `${tensor.dtype} [${tensor.shape.join(', ')}]`
