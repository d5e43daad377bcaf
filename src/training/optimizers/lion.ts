import * as tf from '@tensorflow/tfjs'
import { checkSetting } from '../check-setting.js'
import { moveAverage } from './moving-average.js'
import { Optimizer, type OptimizerOptions, type UpdateRule } from './optimizer.js'

/** Settings of {@link Lion}, with its authors' defaults: learning rate 1e-4, no weight decay. */
export interface LionOptions extends OptimizerOptions {
  /** Of the direction of a step, and of the momentum. Default: [0.9, 0.99]. */
  readonly betas?: readonly [number, number] | undefined
}

/**
 * Evolved sign momentum (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", program 1): every weight moves by the
 * same distance. A good learning rate is a third to a tenth of AdamW's, with a weight decay as many times larger.
 * @throws {InputError} for a setting that is negative or no number, and for betas from 1 on
 */
export class Lion extends Optimizer<'exp_avg'> {
  static readonly className = 'Lion'

  constructor(options: LionOptions = {}) {
    const { learningRate = 1e-4, betas = [0.9, 0.99], weightDecay = 0 } = options
    for (const beta of betas) checkSetting('betas', beta, 1)
    super({ learningRate, betas, weightDecay }, options, lion(betas))
  }
}

const lion = ([beta1, beta2]: readonly [number, number]): UpdateRule<'exp_avg'> => ({
  slots: (shape) => [['exp_avg', shape]],
  atStep:
    () =>
    ({ gradient, kept, rate, decayed }) => {
      const momentum = kept('exp_avg')
      const direction = tf.sign(tf.add(tf.mul(momentum, beta1), tf.mul(gradient, 1 - beta1)))
      moveAverage(momentum, gradient, beta2)
      return tf.sub(decayed(), tf.mul(rate, direction))
    },
})
