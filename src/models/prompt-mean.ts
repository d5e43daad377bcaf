import * as tf from '@tensorflow/tfjs'
import { unitLength } from './siglip/modeling.js'

/**
 * One embedding for each label that several texts are made of: the normalized mean of its normalized texts (CLIP, Radford et al. 2021,
 * section 3.1.4).
 *
 * @param embeds `[labels × templates, width]`, each of length one, those of the first label first
 * @param templates how many texts each label has
 * @returns `[labels, width]`, each of length one
 */
export function promptMean(embeds: tf.Tensor2D, templates: number): tf.Tensor2D {
  return tf.tidy(() => unitLength(tf.mean(embeds.reshape([-1, templates, embeds.shape[1]]), 1)))
}
