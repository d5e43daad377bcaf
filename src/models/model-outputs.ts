import type * as tf from '@tensorflow/tfjs'

/** What a tower returns. Every tensor is the caller's to dispose, e.g. by `tf.dispose(output)` or in a `tf.tidy` around the call. */
export type BaseModelOutputWithPooling = {
  /** `[batch, length, hidden]`, after the last layer norm. */
  lastHiddenState: tf.Tensor3D
  /** `[batch, width]`: the embedding, not yet of length one. */
  poolerOutput: tf.Tensor2D
  /** With `outputHiddenStates`: what enters the encoder and what each of its layers makes of it, `[batch, length, hidden]` each. */
  hiddenStates?: tf.Tensor3D[]
  /** With `outputAttentions`: each layer's weights, `[batch, heads, length, length]`. */
  attentions?: tf.Tensor4D[]
}

/** What an image tower returns; without its head, it has no `poolerOutput`. */
export type VisionModelOutput = Omit<BaseModelOutputWithPooling, 'poolerOutput'> & {
  poolerOutput: tf.Tensor2D | undefined
}

/** What `SiglipModel` returns. Every tensor is the caller's to dispose. */
export type SiglipOutput = {
  /** With `returnLoss`: the sigmoid loss, a scalar. */
  loss?: tf.Scalar
  /** `[images, texts]`; their sigmoid is the probability that the two belong together. */
  logitsPerImage: tf.Tensor2D
  /** `[texts, images]` */
  logitsPerText: tf.Tensor2D
  /** `[texts, width]`, of length one. */
  textEmbeds: tf.Tensor2D
  /** `[images, width]`, of length one. */
  imageEmbeds: tf.Tensor2D
  textModelOutput: BaseModelOutputWithPooling
  visionModelOutput: BaseModelOutputWithPooling
}

/** What a classifier returns. Every tensor is the caller's to dispose. */
export type ImageClassifierOutput = {
  /** With labels: a scalar. */
  loss?: tf.Scalar
  /** `[batch, labels]` */
  logits: tf.Tensor2D
  /** With `outputHiddenStates`, as in `BaseModelOutputWithPooling`. */
  hiddenStates?: tf.Tensor3D[]
  /** With `outputAttentions`, as in `BaseModelOutputWithPooling`. */
  attentions?: tf.Tensor4D[]
}
