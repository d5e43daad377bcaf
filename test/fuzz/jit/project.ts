import { compileFunction } from 'node:vm'

import * as tf from '@tensorflow/tfjs'

import { activation } from '../../../src/layers/activation.js'
import { interpolatePositions } from '../../../src/layers/embedding.js'
import { linear } from '../../../src/layers/linear.js'
import { additiveMask, attentionWeights, joinHeads, splitHeads } from '../../../src/layers/attention.js'
import { classificationLoss } from '../../../src/models/siglip/classification-loss.js'
import { chunkedSigmoidLoss } from '../../../src/training/losses/chunked-sigmoid-loss.js'
import { sigmoidLoss } from '../../../src/training/losses/sigmoid-loss.js'
import { softmaxLoss } from '../../../src/training/losses/softmax-loss.js'

/** What programs call beside tfjs. */
const siglip = {
  ...{
    additiveMask,
    attentionWeights,
    chunkedSigmoidLoss,
    classificationLoss,
    interpolatePositions,
    joinHeads,
    linear,
  },
  ...{ sigmoidLoss, softmaxLoss, splitHeads },
  activation: (name: string) =>
    activation(name, () => {
      throw new RangeError(`${name} has parameters`)
    }),
}

/** What a JavaScript expression that sees `tf`, `siglip` and these names makes. */
export function evaluated(source: string, names: ReadonlyMap<string, unknown> = new Map()): unknown {
  const made = compileFunction(`return (${source})`, ['tf', 'siglip', ...names.keys()])
  const value: unknown = Reflect.apply(made, undefined, [tf, siglip, ...names.values()])
  return value
}

type Run = (...given: readonly tf.Tensor[]) => tf.Tensor[]

/** The function of tensors that a text is. */
export function functionOf(source: string, names: ReadonlyMap<string, unknown>): Run {
  const made = evaluated(source, names)
  if (typeof made !== 'function') throw new TypeError(`no function: ${source}`)
  return (...given) => tensorsOf(Reflect.apply(made, undefined, given))
}

export const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor

function tensorsOf(result: unknown): tf.Tensor[] {
  if (!Array.isArray(result)) throw new TypeError('The function returns no array')
  return result.map((item: unknown) => {
    if (isTensor(item)) return item
    throw new TypeError('The function returns what is no tensor')
  })
}
