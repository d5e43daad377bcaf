import * as tf from '@tensorflow/tfjs'
import { checkSetting } from '../check-setting.js'
import { moveAverage } from './moving-average.js'
import { Optimizer, type OptimizerOptions, type UpdateRule } from './optimizer.js'

/** Settings of {@link Adafactor}, with big_vision's defaults. Learning rate: 1e-3; no weight decay. */
export interface AdafactorOptions extends OptimizerOptions {
  /** Matrices with a shorter side than this keep a mean square for each element. Default: 32. */
  readonly minDimSizeToFactor?: number | undefined
  /** The mean square of step t decays by 1 − t^−decayRate. Default: 0.8. */
  readonly decayRate?: number | undefined
  /** The decay of the mean square never exceeds this. Default: 0.999. */
  readonly beta2Cap?: number | undefined
  /** Decay of the mean of the steps; 0 keeps none. Default: 0.9. */
  readonly momentum?: number | undefined
  /** Added to the squares of the gradients. Default: 1e-30. */
  readonly eps?: number | undefined
}

type Slot = 'v_row' | 'v_col' | 'v' | 'ema'

/**
 * big_vision's Adafactor (Zhai et al. 2022, "Scaling Vision Transformers", section 3.4; Shazeer and Stern 2018): the mean squares of a
 * matrix are kept as those of its rows and columns, so that the state is one momentum large. It keeps the momentum in bfloat16,
 * this one in float32. Weight decay is multiplied by the learning rate, as in the other optimizers: big_vision's `wd` is
 * `learningRate · weightDecay`.
 * Source: `scale_by_adafactor` of big_vision's `optax.py`, `scale_by_factored_rms` of optax.
 * @throws {InputError} for a setting that is negative or no number, and for decays from 1 on
 */
export class Adafactor extends Optimizer<Slot> {
  static readonly className = 'Adafactor'

  constructor(options: AdafactorOptions = {}) {
    const { learningRate = 1e-3, weightDecay = 0, minDimSizeToFactor = 32, decayRate = 0.8, beta2Cap = 0.999 } = options
    const { momentum = 0.9, eps = 1e-30 } = options
    checkSetting('momentum', momentum, 1)
    checkSetting('beta2Cap', beta2Cap, 1)
    for (const [name, value] of Object.entries({ minDimSizeToFactor, decayRate, eps })) checkSetting(name, value)
    const own = { minDimSizeToFactor, decayRate, beta2Cap, momentum, eps }
    super({ learningRate, weightDecay, ...own }, options, adafactor(own))
  }
}

function adafactor({
  minDimSizeToFactor,
  decayRate,
  beta2Cap,
  momentum,
  eps,
}: Required<{ [K in Exclude<keyof AdafactorOptions, keyof OptimizerOptions>]: number }>): UpdateRule<Slot> {
  /** The second longest and the longest axis, if both are long enough. */
  const factored = (shape: readonly number[]): readonly [number, number] | undefined => {
    const byLength = shape.map((_, axis) => axis).sort((a, b) => (shape[a] ?? 0) - (shape[b] ?? 0))
    const [second, longest] = byLength.slice(-2)
    if (second === undefined || longest === undefined) return undefined
    return (shape[second] ?? 0) >= minDimSizeToFactor ? [second, longest] : undefined
  }
  const scaled = (gradient: tf.Tensor, kept: (slot: Slot) => tf.Variable, decay: tf.Scalar): tf.Tensor => {
    const square = tf.add(tf.square(gradient), eps)
    const axes = factored(gradient.shape)
    if (!axes) return tf.mul(gradient, tf.rsqrt(moveAverage(kept('v'), square, decay)))
    const [second, longest] = axes
    const rows = moveAverage(kept('v_row'), tf.mean(square, longest), decay)
    const columns = moveAverage(kept('v_col'), tf.mean(square, second), decay)
    const mean = tf.mean(rows, second > longest ? second - 1 : second, true)
    const rowFactor = tf.expandDims(tf.rsqrt(tf.div(rows, mean)), longest)
    return tf.mul(tf.mul(gradient, rowFactor), tf.expandDims(tf.rsqrt(columns), second))
  }
  return {
    slots: (shape) => {
      const axes = factored(shape)
      const without = (axis: number): readonly number[] => shape.filter((_, i) => i !== axis)
      return [
        ...(axes
          ? ([
              ['v_row', without(axes[1])],
              ['v_col', without(axes[0])],
            ] as const)
          : ([['v', shape]] as const)),
        ...(momentum > 0 ? ([['ema', shape]] as const) : []),
      ]
    },
    atStep: (step) => {
      const decay: tf.Scalar = tf.minimum(tf.sub(1, tf.pow(step, -decayRate)), beta2Cap)
      return ({ gradient, kept, rate, decayed }) => {
        const update = scaled(gradient, kept, decay)
        return tf.sub(decayed(), tf.mul(rate, momentum > 0 ? moveAverage(kept('ema'), update, momentum) : update))
      }
    },
  }
}
