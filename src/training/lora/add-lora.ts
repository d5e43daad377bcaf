import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import { seedOf, uniformStream } from '../../random.js'
import type { PreTrainedModel } from '../../models/loading/pre-trained-model.js'
import { linearLayers, Lora, wholeModules, type LoraAdapter } from './lora.js'

/** Which layers get adapters, and how large. The defaults are peft's. */
export interface LoraOptions {
  /** Rank. Default: 8. */
  readonly r?: number | undefined
  /** The adapters' product is multiplied by alpha / r. Default: 8. */
  readonly alpha?: number | undefined
  /** Names of linear layers. Default: the attentions' queries and values. */
  readonly pattern?: RegExp | undefined
  /** Names of modules that are trained whole beside the adapters, as a classifier's new `classifier`. Default: none. */
  readonly modulesToSave?: readonly string[] | undefined
  /** Of the first values. Default: random. */
  readonly seed?: number | undefined
}

/**
 * Puts adapters on the linear layers that the pattern names. They start as peft's: A uniform within ±1/√in, B zero, so that the model
 * computes what it did.
 * @throws {InputError} for settings out of range, a pattern that names no linear layer, and a name of no module
 */
export function addLora(model: PreTrainedModel, options: LoraOptions = {}): Lora {
  const { r = 8, alpha = 8, pattern = /\.(q_proj|v_proj)$/, modulesToSave = [] } = options
  const { seed = Math.floor(Math.random() * 2 ** 32) } = options
  if (!Number.isInteger(r) || r < 1)
    throw new InputError('Invalid r', { expected: 'a whole number from 1', found: String(r) })
  if (!Number.isFinite(alpha)) throw new InputError('Invalid alpha', { expected: 'a number', found: String(alpha) })
  const whole = wholeModules(model, modulesToSave)
  const missing = modulesToSave.find((name) => !whole.names.includes(name))
  if (missing !== undefined) {
    const last = [...model.namedParameters().keys()].at(-1) ?? ''
    throw new InputError('modulesToSave matches no module', {
      expected: `a part of a name such as ${last}`,
      found: missing,
    })
  }
  const layers = linearLayers(model)
  const chosen = [...layers].filter(([name]) => name.search(pattern) >= 0 && !whole.parameters.has(`${name}.weight`))
  if (chosen.length === 0) {
    throw new InputError('The pattern matches no linear layer', {
      expected: `a pattern of linear layers, e.g. ${[...layers.keys()][0] ?? ''}`,
      found: String(pattern),
    })
  }
  const adapters = chosen.map(([name, layer]): [string, LoraAdapter] => {
    const { inFeatures, outFeatures } = layer
    const next = uniformStream(seedOf(seed, name))
    const values = Float32Array.from({ length: r * inFeatures }, () => (2 * next() - 1) / Math.sqrt(inFeatures))
    const a = tf.tidy(() => tf.variable(tf.tensor2d(values, [r, inFeatures])))
    const b = tf.tidy(() => tf.variable(tf.zeros<tf.Rank.R2>([outFeatures, r])))
    return [name, { layer, a, b, alpha }]
  })
  return new Lora(new Map(adapters), whole)
}
