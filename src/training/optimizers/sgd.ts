import * as tf from '@tensorflow/tfjs'
import { checkSetting } from '../check-setting.js'
import { Optimizer, type OptimizerOptions, type UpdateRule } from './optimizer.js'

/** Settings of {@link SGD}, with torch's defaults: learning rate 1e-3, no weight decay. */
export interface SGDOptions extends OptimizerOptions {
  /** Share of the last step that the next one starts with. Default: 0. */
  readonly momentum?: number | undefined
  /** Whether a step looks ahead along the momentum (Sutskever et al. 2013). Default: false. */
  readonly nesterov?: boolean | undefined
}

/**
 * Gradient descent with momentum, as `torch.optim.SGD`: weight decay is added to the gradient, so the momentum carries it, too.
 * @throws {InputError} for a setting that is negative or no number, and for a momentum from 1 on
 */
export class SGD extends Optimizer<'momentum_buffer'> {
  static readonly className = 'SiglipSGD' // tfjs has its own SGD

  constructor(options: SGDOptions = {}) {
    const { learningRate = 1e-3, momentum = 0, nesterov = false, weightDecay = 0 } = options
    checkSetting('momentum', momentum, 1)
    super({ learningRate, momentum, nesterov, weightDecay }, options, descent(momentum, nesterov))
  }
}

const descent = (momentum: number, nesterov: boolean): UpdateRule<'momentum_buffer'> => ({
  slots: (shape) => (momentum > 0 ? [['momentum_buffer', shape]] : []),
  atStep: () => {
    const along = (slope: tf.Tensor, buffer: tf.Variable): tf.Tensor => {
      buffer.assign(tf.add(tf.mul(buffer, momentum), slope))
      return nesterov ? tf.add(slope, tf.mul(buffer, momentum)) : buffer
    }
    return ({ variable, gradient, kept, rate, weightDecay }) => {
      const slope = weightDecay > 0 ? tf.add(gradient, tf.mul(variable, weightDecay)) : gradient
      return tf.sub(variable, tf.mul(rate, momentum > 0 ? along(slope, kept('momentum_buffer')) : slope))
    }
  },
})
