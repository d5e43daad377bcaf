import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'

import { activationNames } from '../../../src/layers/activation.js'
import type { PreTrainedModel } from '../../../src/models/loading/pre-trained-model.js'
import { Siglip2ForImageClassification, Siglip2Model } from '../../../src/models/siglip2/modeling.js'
import { SiglipForImageClassification } from '../../../src/models/siglip/image-classification.js'
import { SiglipModel } from '../../../src/models/siglip/modeling.js'
import { jitted } from '../../../src/jit/jitted.js'
import { AdamW } from '../../../src/training/optimizers/adamw.js'
import type { Optimizer } from '../../../src/training/optimizers/optimizer.js'
import { SGD } from '../../../src/training/optimizers/sgd.js'
import { namedOutputs } from '../../fixture.js'
import type { Subject } from './check.js'
import { Dice } from './dice.js'
import { type Snapshot, snapshotOf } from './snapshot.js'

/** A configuration of a model, and what is done with it. */
export type ModelSettings = typeof settings extends fc.Arbitrary<infer T> ? T : never

const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max })

/** Configurations, smaller ones first when one fails: numbers that decide nothing of each other, which fast-check is made for. */
export const settings = fc.record({
  family: fc.constantFrom('siglip', 'siglip2'),
  isClassifier: fc.boolean(),
  /** `outputs`: everything that a forward pass gives; else a step of training with that optimizer. */
  task: fc.constantFrom('outputs', 'outputs', 'gradients', 'sgd', 'adamw'),
  isBf16: fc.constantFrom(false, false, true),
  isAsync: fc.boolean(),
  layers: upTo(2),
  heads: upTo(4),
  headSize: upTo(9),
  intermediateSize: upTo(40),
  hiddenAct: fc.constantFrom(...activationNames),
  patchSize: upTo(4),
  rows: upTo(4),
  columns: upTo(4),
  /** How many more patches there are in each direction than the model knows, or is padded with. */
  more: fc.integer({ min: 0, max: 2 }),
  channels: upTo(4),
  batch: upTo(4),
  texts: upTo(4),
  length: upTo(9),
  isMasked: fc.boolean(),
  labels: fc.constantFrom('single', 'multi', 'regression'),
  seed: fc.nat(1000),
})

type Inputs = Readonly<Record<string, tf.Tensor>>

interface Model extends PreTrainedModel {
  readonly forward: (inputs: never, options: object) => object
}

const CALLS = 2

/** A model to be checked. */
export const modelSubjectOf = (given: ModelSettings): Subject => ({
  isBf16: given.isBf16,
  plain() {
    const world = new ModelWorld(given)
    try {
      for (let call = 0; call < CALLS; call++) world.record(call, world.run(world.inputsOf(call)))
      return world.seen
    } finally {
      world.dispose()
    }
  },
  recorded: (engine) => ({
    async run() {
      const world = new ModelWorld(given)
      const fast = jitted(world.run, () => engine, { maxTraces: 2, inPlace: given.isAsync })
      try {
        for (let call = 0; call < CALLS; call++) {
          const inputs = world.inputsOf(call)
          world.record(call, given.isAsync ? await fast.async(inputs) : fast(inputs))
        }
        return world.seen
      } finally {
        fast.dispose()
        world.dispose()
      }
    },
    dispose: () => undefined,
  }),
})

/** A model with random weights everywhere, biases and norms too. */
class ModelWorld {
  readonly seen: Snapshot[] = []
  readonly #settings: ModelSettings
  readonly #model: Model
  readonly #optimizer: Optimizer | undefined
  readonly #variables: readonly tf.Variable[]
  readonly #tensors: tf.Tensor[] = []

  constructor(given: ModelSettings) {
    this.#settings = given
    const before = new Set(Object.keys(tf.engine().registeredVariables))
    this.#model = modelOf(given)
    this.#variables = Object.entries(tf.engine().registeredVariables).flatMap(([name, variable]) =>
      before.has(name) ? [] : [variable],
    )
    const dice = new Dice(given.seed)
    for (const variable of this.#variables) {
      const scale = variable.rank > 1 ? 1 / Math.sqrt(variable.shape.at(-1) ?? 1) : 0.5
      const values = Float32Array.from({ length: variable.size }, () => dice.normal() * scale)
      tf.tidy(() => {
        variable.assign(tf.tensor(values, variable.shape))
      })
    }
    this.#optimizer = optimizerOf(given.task)
    tf.engine().startScope()
  }

  readonly run = (inputs: Inputs): Record<string, tf.Tensor> =>
    tf.tidy(() => (this.#settings.task === 'outputs' ? this.#outputs(inputs) : this.#step(inputs)))

  #outputs(inputs: Inputs): Record<string, tf.Tensor> {
    const options = { outputHiddenStates: true, outputAttentions: true, ...this.#options(inputs, true) }
    return Object.fromEntries(namedOutputs(this.#forward(inputs, options)))
  }

  #step(inputs: Inputs): Record<string, tf.Tensor> {
    const loss = (): tf.Scalar => {
      const { loss } = namedLoss(this.#forward(inputs, this.#options(inputs, true)))
      return tf.mean(loss)
    }
    const { value, grads } = tf.variableGrads(loss)
    this.#optimizer?.applyGradients(grads)
    return { value, ...(this.#optimizer ? {} : grads) }
  }

  #forward(inputs: Inputs, options: object): object {
    return this.#model.forward(inputs as never, options)
  }

  /** The i-th text belongs to the i-th image only where there are as many. */
  #options({ labels }: Inputs, wantsLoss: boolean): object {
    const { isClassifier, family, more, batch, texts } = this.#settings
    const interpolatePosEncoding = family === 'siglip' && more > 0
    const loss = isClassifier ? { labels } : { returnLoss: wantsLoss && batch === texts }
    return { ...loss, ...(interpolatePosEncoding ? { interpolatePosEncoding } : {}) }
  }

  inputsOf(call: number): Inputs {
    const inputs = tf.tidy(() => inputsOf(this.#settings, new Dice(this.#settings.seed * 10 + call)))
    for (const tensor of Object.values(inputs)) this.#tensors.push(tf.keep(tensor))
    return inputs
  }

  record(call: number, results: Record<string, tf.Tensor>): void {
    for (const [name, tensor] of Object.entries(results)) this.seen.push(snapshotOf(`${name} of call ${call}`, tensor))
    this.#tensors.push(...Object.values(results))
    if (!this.#optimizer) return
    for (const [i, variable] of this.#variables.entries()) {
      this.seen.push(snapshotOf(`weight ${i} (${variable.name}) after call ${call}`, variable))
    }
  }

  dispose(): void {
    tf.engine().endScope()
    for (const tensor of this.#tensors) if (!tensor.isDisposed) tensor.dispose()
    this.#optimizer?.dispose()
    this.#model.dispose()
  }
}

function namedLoss(output: object): { readonly loss: tf.Tensor } {
  const loss = namedOutputs(output).get('loss') ?? namedOutputs(output).get('logits_per_image')
  if (!loss) throw new TypeError('The model gives no loss')
  return { loss }
}

function modelOf(given: ModelSettings): Model {
  const { family, isClassifier, heads, headSize, layers, intermediateSize, hiddenAct } = given
  const { patchSize, rows, columns, channels, length } = given
  const hiddenSize = heads * headSize
  const tower = { hiddenSize, intermediateSize, numHiddenLayers: layers, numAttentionHeads: heads, hiddenAct }
  const textConfig = { ...tower, vocabSize: 31, maxPositionEmbeddings: length }
  const numLabels = given.labels === 'regression' ? 1 : 3
  const image = { ...tower, numChannels: channels, patchSize }
  const side = Math.max(rows, columns)
  if (family === 'siglip') {
    const config = { textConfig, visionConfig: { ...image, imageSize: patchSize * side }, numLabels }
    return isClassifier ? new SiglipForImageClassification(config, { seed: 1 }) : new SiglipModel(config, { seed: 1 })
  }
  const config = { textConfig, visionConfig: { ...image, numPatches: side * side }, numLabels }
  return isClassifier ? new Siglip2ForImageClassification(config, { seed: 1 }) : new Siglip2Model(config, { seed: 1 })
}

function optimizerOf(task: ModelSettings['task']): Optimizer | undefined {
  if (task === 'sgd') return new SGD({ learningRate: 0.1, momentum: 0.9 })
  // A large eps: else a weight whose gradient is 0 but for rounding takes a step along the rounding (and one of Lion's always does).
  return task === 'adamw' ? new AdamW({ learningRate: 0.01, weightDecay: 0.1, eps: 1e-3 }) : undefined
}

function inputsOf(given: ModelSettings, dice: Dice): Record<string, tf.Tensor> {
  const { family, isClassifier, patchSize, rows, columns, more, channels, batch, texts, length, isMasked } = given
  const normal = (...shape: number[]): tf.Tensor =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => dice.normal()),
      shape,
    )
  const ints = (limit: number, ...shape: number[]): tf.Tensor =>
    tf.tensor(
      Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => dice.roll(limit)),
      shape,
      'int32',
    )
  const patches = rows * columns + more
  const side = Math.max(rows, columns) + more
  const shapes = Array.from({ length: batch }, () => [1 + dice.roll(rows), 1 + dice.roll(columns)])
  const seen = shapes.map(([a = 1, b = 1]) => Array.from({ length: patches }, (_, i) => (i < a * b ? 1 : 0)))
  const images =
    family === 'siglip'
      ? { pixelValues: normal(batch, channels, side * patchSize, side * patchSize) }
      : {
          pixelValues: normal(batch, patches, channels * patchSize ** 2),
          pixelAttentionMask: tf.tensor2d(seen, [batch, patches], 'int32'),
          spatialShapes: tf.tensor2d(shapes, [batch, 2], 'int32'),
        }
  if (isClassifier) return { ...images, labels: labelsOf(given, ints, normal) }
  return {
    ...images,
    inputIds: ints(31, texts, length),
    ...(isMasked ? { attentionMask: tf.concat([tf.ones([texts, 1], 'int32'), ints(2, texts, length - 1)], 1) } : {}),
  }
}

function labelsOf(
  { labels, batch }: ModelSettings,
  ints: (limit: number, ...shape: number[]) => tf.Tensor,
  normal: (...shape: number[]) => tf.Tensor,
): tf.Tensor {
  if (labels === 'single') return ints(3, batch)
  return labels === 'multi' ? tf.cast(ints(2, batch, 3), 'float32') : normal(batch, 1)
}
