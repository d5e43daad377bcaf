import * as tf from '@tensorflow/tfjs'
import { checkSetting } from './check-setting.js'
import { moveAverage } from './moving-average.js'
import { Optimizer, type OptimizerOptions, type UpdateRule } from './optimizer.js'

/** Settings of {@link AdamW}, with torch's defaults: learning rate 1e-3, weight decay 0.01. */
export interface AdamWOptions extends OptimizerOptions {
  /** Decay of the mean of the gradients and of their squares. Default: [0.9, 0.999]. */
  readonly betas?: readonly [number, number] | undefined
  /** Added to the root of the mean square. Default: 1e-8. */
  readonly eps?: number | undefined
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), step for step as `torch.optim.AdamW`.
 * @throws {InputError} for a setting that is negative or no number, and for betas from 1 on
 */
export class AdamW extends Optimizer<'exp_avg' | 'exp_avg_sq'> {
  static readonly className = 'AdamW'

  constructor(options: AdamWOptions = {}) {
    const { learningRate = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 } = options
    for (const beta of betas) checkSetting('betas', beta, 1)
    checkSetting('eps', eps)
    super({ learningRate, betas, eps, weightDecay }, options, adam(betas, eps))
  }
}

const adam = ([beta1, beta2]: readonly [number, number], eps: number): UpdateRule<'exp_avg' | 'exp_avg_sq'> => ({
  slots: (shape) => [
    ['exp_avg', shape],
    ['exp_avg_sq', shape],
  ],
  atStep: (step) => {
    const correction1 = biasCorrection(beta1, step)
    const correction2 = tf.sqrt(biasCorrection(beta2, step))
    return ({ gradient, kept, rate, decayed }) => {
      const mean = moveAverage(kept('exp_avg'), gradient, beta1)
      const square = moveAverage(kept('exp_avg_sq'), tf.square(gradient), beta2)
      const root = tf.add(tf.div(tf.sqrt(square), correction2), eps)
      return tf.sub(decayed(), tf.mul(tf.div(rate, correction1), tf.div(mean, root)))
    }
  },
})

/** 1 − β^step, without the cancellation that float32 would suffer in it. */
const biasCorrection = (beta: number, step: tf.Scalar): tf.Scalar =>
  beta === 0 ? tf.scalar(1) : tf.neg(tf.expm1(tf.mul(step, Math.log(beta))))
