import * as tf from '@tensorflow/tfjs'
import { jit } from '../jit/jit.js'
import type { Jitted } from '../jit/jitted.js'
import type { Precision } from '../jit/precision.js'
import { clipByGlobalNorm } from './optimizers/clip-by-global-norm.js'
import type { ExponentialAverage } from './optimizers/exponential-average.js'
import type { Inputs, Objective } from './objective.js'
import type { Optimizer } from './optimizers/optimizer.js'

/** What a step reports. */
export interface StepTensors {
  readonly loss: tf.Scalar
  /** Of all gradients as one vector, before clipping. */
  readonly norm: tf.Scalar
  /** Of each variable's gradient, in the variables' order; 0 for one without. */
  readonly norms: tf.Tensor1D
}

/** What a step updates, and how. */
export interface StepOptions {
  readonly objective: Objective
  readonly optimizers: readonly Optimizer[]
  readonly average: ExponentialAverage | undefined
  /** The longest that all gradients together may be. */
  readonly clipNorm: number
  /** Keeps the scale of the logits within its bounds, after each step. */
  readonly clampScale: () => void
  readonly precision: Precision
}

/**
 * Gradients, clipping, optimizers and average as one recorded function. Where a loss or a gradient is not finite, the
 * gradients count as zeros: the parameters stay finite, and what went wrong can still be reported.
 */
export function trainingStep(options: StepOptions): Jitted<[Inputs], StepTensors> {
  const { objective, optimizers, average, clipNorm, clampScale, precision } = options
  const step = (inputs: Inputs): StepTensors =>
    tf.tidy(() => {
      const variables = optimizers.flatMap((optimizer) => optimizer.variables)
      const { value, grads } = objective.gradients(inputs, variables)
      const { gradients, norm, norms } = clipByGlobalNorm(grads, clipNorm)
      const isFinite = tf.isFinite(tf.add(norm, value))
      for (const optimizer of optimizers) {
        const own = optimizer.variables.flatMap(({ name }) => {
          const gradient = gradients[name]
          return gradient ? [{ name, tensor: tf.where(isFinite, gradient, tf.scalar(0)) }] : []
        })
        optimizer.applyGradients(own)
      }
      clampScale()
      average?.update()
      const inOrder = variables.map(({ name }) => norms[name] ?? tf.scalar(0))
      return { loss: value, norm, norms: tf.stack(inOrder).as1D() }
    })
  return jit(step, { precision, inPlace: true })
}
