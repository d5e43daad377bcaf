import * as tf from '@tensorflow/tfjs'
import { checkSetting } from '../check-setting.js'
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
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), step for step as `torch.optim.AdamW` where parameters
 * have gradients from the first step on: steps are counted once for all, and for each parameter in torch.
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

function adam([beta1, beta2]: readonly [number, number], eps: number): UpdateRule<'exp_avg' | 'exp_avg_sq'> {
  const correctionAt = ofBias(beta2, Math.sqrt)
  const stepSizes = new Map<number, (step: tf.Scalar) => tf.Scalar>()
  return {
    slots: (shape) => [
      ['exp_avg', shape],
      ['exp_avg_sq', shape],
    ],
    stepSize: (learningRate, step) => {
      const sizeAt = stepSizes.get(learningRate) ?? ofBias(beta1, (bias) => learningRate / bias)
      stepSizes.set(learningRate, sizeAt)
      return sizeAt(step)
    },
    atStep: (step) => {
      const correction = correctionAt(step)
      return ({ gradient, kept, rate, decayed }) => {
        const mean = moveAverage(kept('exp_avg'), gradient, beta1)
        const square = moveAverage(kept('exp_avg_sq'), tf.square(gradient), beta2)
        const root = tf.add(tf.div(tf.sqrt(square), correction), eps)
        return tf.sub(decayed(), tf.mul(rate, tf.div(mean, root)))
      }
    },
  }
}

/** Tables are no longer than this; an average that remembers more steps takes its last entry from there on. */
const MAX_STEPS = 2 ** 22

/**
 * A function of the bias 1 − β^step, looked up in a table that ends where the bias is 1 in float32. As in torch it is computed in double
 * precision and rounded once: a step size whose last digit is wrong moves all weights the same way.
 */
function ofBias(beta: number, of: (bias: number) => number): (step: tf.Scalar) => tf.Scalar {
  const needed = beta === 0 ? 1 : Math.ceil(Math.log(2 ** -26) / Math.log(beta))
  const steps = Math.min(MAX_STEPS, needed)
  let table: Float32Array | undefined
  return (step) => {
    table ??= Float32Array.from({ length: steps }, (_, i) => of(1 - beta ** (i + 1)))
    const place = tf.cast(tf.minimum(tf.sub(step, 1), steps - 1), 'int32')
    return tf.gather(tf.tensor1d(table), place).asScalar()
  }
}
