import * as tf from '@tensorflow/tfjs'

/**
 * Keeps the scale of the logits from 1 to a maximum, as CLIP does after each step (Radford et al. 2021, section 2.5).
 *
 * @param logitScale the variable, `model.namedParameters().get('logit_scale')`: the scale's logarithm
 * @param maximum of the scale itself. Default: 100
 */
export function clampLogitScale(logitScale: tf.Variable, maximum = 100): void {
  tf.tidy(() => {
    logitScale.assign(tf.clipByValue(logitScale, 0, Math.log(maximum)))
  })
}
