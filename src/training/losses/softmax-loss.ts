import * as tf from '@tensorflow/tfjs'
import { pairLogits } from '../../models/siglip/modeling.js'
import { checkPairs, pairLabels, type PairOptions } from './pair-options.js'
import type { LossInputs } from './sigmoid-loss.js'

/**
 * CLIP's loss: which of the texts belongs to an image, and which of the images to a text? The mean of both cross entropies.
 * Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", figure 3.
 *
 * @param inputs `labels` `[images, texts]`: 1 for matching pairs; several of a row or column share the probability evenly
 * (Khosla et al. 2020, "Supervised Contrastive Learning"), and one without any adds nothing. Default: i to i
 *   `weights` `[images, texts]`: the weight of each matching pair, in both directions. Default: 1
 * @throws {InputError} for shapes that do not fit
 */
export function softmaxLoss({
  imageEmbeds,
  textEmbeds,
  logitScale,
  labels,
  weights,
}: Omit<LossInputs, 'logitBias'> & PairOptions): tf.Scalar {
  return tf.tidy(() => {
    const logits = pairLogits(imageEmbeds, textEmbeds, logitScale, tf.scalar(0)) // softmax doesn't see a bias
    const positives = pairLabels(logits, labels)
    if (weights) checkPairs('weights', weights, logits)
    const ofImages = crossEntropy(logits, positives, weights)
    const ofTexts = crossEntropy(tf.transpose(logits), tf.transpose(positives), weights && tf.transpose(weights))
    return tf.div(tf.add(ofImages, ofTexts), 2)
  })
}

/** The mean over rows of −Σ w · p · log softmax(logits), p being a row's positives shared out. */
function crossEntropy(logits: tf.Tensor2D, positives: tf.Tensor2D, weights: tf.Tensor2D | undefined): tf.Scalar {
  const shares = tf.div(positives, tf.maximum(tf.sum(positives, 1, true), 1))
  const weighted = weights ? tf.mul(shares, weights) : shares
  return tf.neg(tf.div(tf.sum(tf.mul(weighted, tf.logSoftmax(logits))), logits.shape[0]))
}
