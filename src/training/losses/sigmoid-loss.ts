import * as tf from '@tensorflow/tfjs'
import { pairLogits, pairLosses } from '../../models/siglip/modeling.js'
import { checkPairs, pairLabels, type PairOptions } from './pair-options.js'

/** What a contrastive loss is a function of. */
export interface LossInputs {
  /** `[images, width]`, of length one. */
  readonly imageEmbeds: tf.Tensor2D
  /** `[texts, width]`, of length one. */
  readonly textEmbeds: tf.Tensor2D
  /** The logarithm of what cosines are multiplied by: a scalar or `[1]`. */
  readonly logitScale: tf.Tensor
  /** The bias that is added then: a scalar or `[1]`. */
  readonly logitBias: tf.Tensor
}

/**
 * Each pair of an image and a text is a binary classification: do they match? −Σ log σ(±logits) / images.
 * Source: Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training", algorithm 1.
 *
 * @param inputs `labels` `[images, texts]`: 1 for matching pairs, of which an image may have many. Default: i to i
 *   `weights` `[images, texts]`: how much each pair counts. Default: 1
 * @throws {InputError} for shapes that do not fit
 */
export function sigmoidLoss({
  imageEmbeds,
  textEmbeds,
  logitScale,
  logitBias,
  labels,
  weights,
}: LossInputs & PairOptions): tf.Scalar {
  return tf.tidy(() => {
    const logits = pairLogits(imageEmbeds, textEmbeds, logitScale, logitBias) // [images, texts]
    const losses = pairLosses(logits, pairLabels(logits, labels))
    if (weights) checkPairs('weights', weights, logits)
    return tf.div(tf.sum(weights ? tf.mul(losses, weights) : losses), logits.shape[0])
  })
}
