import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'

/** Settings of {@link AdamW}, with torch's defaults. */
export interface AdamWOptions {
  /** Default: 1e-3. */
  readonly learningRate?: number | undefined
  /** Decay of the mean of the gradients and of their squares. Default: [0.9, 0.999]. */
  readonly betas?: readonly [number, number] | undefined
  /** Added to the root of the mean square. Default: 1e-8. */
  readonly eps?: number | undefined
  /** Share of a weight, times the learning rate, taken off it at each step. Default: 0.01. */
  readonly weightDecay?: number | undefined
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019), step for step as `torch.optim.AdamW`. A tfjs optimizer:
 * `minimize`, `applyGradients` and `model.compile` take it.
 * @throws {InputError} for a setting that is negative or no number, and for betas from 1 on
 */
export class AdamW extends tf.Optimizer {
  static readonly className = 'AdamW'

  readonly #settings: Required<{ [K in keyof AdamWOptions]: NonNullable<AdamWOptions[K]> }>
  readonly #moments = new Map<string, { readonly mean: tf.Variable; readonly square: tf.Variable }>()
  /** How many there were: a variable, so that a step which `jit` has recorded goes on counting. */
  #steps: tf.Variable | undefined

  constructor({ learningRate = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 }: AdamWOptions = {}) {
    super()
    checkSetting('learningRate', learningRate)
    checkSetting('eps', eps)
    checkSetting('weightDecay', weightDecay)
    for (const beta of betas) checkSetting('betas', beta, 1)
    this.#settings = { learningRate, betas, eps, weightDecay }
  }

  applyGradients(gradients: tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[]): void {
    const { learningRate, betas, eps, weightDecay } = this.#settings
    const steps = (this.#steps ??= tf.tidy(() => tf.variable(tf.scalar(0), false)))
    const named = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }))
    tf.tidy(() => {
      steps.assign(tf.add(steps, 1))
      const [meanBias, squareBias] = [oneMinusPower(betas[0], steps), oneMinusPower(betas[1], steps)]
      const stepSize = tf.div(learningRate, meanBias)
      const correction = tf.sqrt(squareBias)
      for (const { name, tensor: gradient } of named) {
        const variable = tf.engine().registeredVariables[name]
        if (!variable) continue
        const { mean, square } = this.moments(name, variable)
        tf.tidy(() => {
          mean.assign(tf.add(tf.mul(mean, betas[0]), tf.mul(gradient, 1 - betas[0])))
          square.assign(tf.add(tf.mul(square, betas[1]), tf.mul(tf.square(gradient), 1 - betas[1])))
          const root = tf.add(tf.div(tf.sqrt(square), correction), eps)
          const decayed = tf.mul(variable, 1 - learningRate * weightDecay)
          variable.assign(tf.sub(decayed, tf.mul(stepSize, tf.div(mean, root))))
        })
      }
    })
    this.incrementIterations()
  }

  private moments(name: string, variable: tf.Variable): { readonly mean: tf.Variable; readonly square: tf.Variable } {
    const known = this.#moments.get(name)
    if (known) return known
    const zeros = (): tf.Variable => tf.tidy(() => tf.variable(tf.zerosLike(variable), false))
    const fresh = { mean: zeros(), square: zeros() }
    this.#moments.set(name, fresh)
    return fresh
  }

  override dispose(): void {
    for (const { mean, square } of this.#moments.values()) tf.dispose([mean, square])
    this.#moments.clear()
    this.#steps?.dispose()
    this.#steps = undefined
    super.dispose()
  }

  getConfig(): tf.serialization.ConfigDict {
    const { betas, ...settings } = this.#settings
    return { ...settings, betas: [...betas] }
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(config)
  }
}

/** 1 − base^exponent; written so, float32 keeps its digits for bases near 1. */
const oneMinusPower = (base: number, exponent: tf.Tensor): tf.Tensor =>
  tf.neg(tf.expm1(tf.mul(exponent, Math.log(base))))

function checkSetting(name: string, value: number, below = Infinity): void {
  if (Number.isFinite(value) && value >= 0 && value < below) return
  const expected = below === 1 ? 'numbers from 0 to below 1' : 'a number from 0'
  throw new InputError(`bad ${name}`, { expected, found: String(value) })
}
