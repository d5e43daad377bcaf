import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import type { EncoderOptions } from '../layers/siglip-encoder.js'
import type { Arrays } from '../models/model-arrays.js'
import { pairLogits } from '../models/pair-logits.js'
import { SiglipModel } from '../models/siglip-model.js'
import { unitLength, type TwoTowerModel } from '../models/two-tower-model.js'
import type { NdArray } from '../nd-array.js'
import { seedOf, uniformStream } from '../random.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import { accumulatedGradients } from './accumulated-gradients.js'
import { permutation } from './data/batch-plan.js'
import type { PreparedBatch } from './data/prepared-batches.js'
import type { Inputs, Objective } from './objective.js'
import { sigmoidLoss, type LossInputs } from './sigmoid-loss.js'
import { softmaxLoss } from './softmax-loss.js'

/** What a user's own loss is given. */
export interface LossContext extends LossInputs {
  /** `[images, texts]`: cosines times the scale plus the bias. */
  readonly logits: tf.Tensor2D
  /** `[images, texts]`: 1 where a text is the picture's own, or says the same; else 0. */
  readonly labels: tf.Tensor2D
}

/** A loss of a batch's embeddings. It is recorded once, so it must be made of tfjs operations alone. */
export type ContrastiveLoss = (context: LossContext) => tf.Scalar

/** The losses that have names. */
export const contrastiveLosses = {
  sigmoid: sigmoidLoss,
  softmax: softmaxLoss,
} as const satisfies Readonly<Record<string, ContrastiveLoss>>

/** How pictures and texts are compared in training. */
export interface ContrastiveOptions {
  readonly model: TwoTowerModel
  readonly tokenizer: PreTrainedTokenizer
  readonly loss: ContrastiveLoss
  /** In so many parts a batch goes through the towers. */
  readonly parts: number
  /** How many of a picture's patches are seen at a step, from 0 to 1. */
  readonly keptShare: (step: number) => number
  readonly seed: number
}

/** Pictures and texts that belong together get embeddings that are near each other. */
export class ContrastiveObjective implements Objective {
  constructor(private readonly options: ContrastiveOptions) {}

  inputsOf(batch: PreparedBatch, step: number): Arrays {
    const { model, tokenizer } = this.options
    const maxLength = model.config.textConfig.maxPositionEmbeddings
    const { inputIds } = tokenizer.call(batch.captions, { padding: 'max_length', truncation: true, maxLength })
    const kept = this.keptPatches(batch.captions.length, step)
    return { ...batch.images, inputIds, labels: samePairs(batch.captions), ...(kept && { keptPatches: kept }) }
  }

  gradients(inputs: Inputs, variables: readonly tf.Variable[]): { value: tf.Scalar; grads: tf.NamedTensorMap } {
    const { model, parts } = this.options
    const { labels, ...towerInputs } = inputs
    const named = model.namedParameters()
    const [logitScale, logitBias] = [named.get('logit_scale'), named.get('logit_bias')]
    if (!labels || !logitScale || !logitBias) throw new InputError('The model has no logits to train')
    const lossOf = ({ imageEmbeds, textEmbeds }: Embeds): tf.Scalar => {
      const logits = pairLogits(imageEmbeds, textEmbeds, logitScale, logitBias)
      const [images, texts] = logits.shape
      return this.options.loss({
        imageEmbeds,
        textEmbeds,
        logits,
        logitScale,
        logitBias,
        labels: labels.as2D(images, texts),
      })
    }
    if (parts === 1) return tf.variableGrads(() => tf.tidy(() => lossOf(this.embed(towerInputs))), [...variables])
    return accumulatedGradients({
      batches: inParts(towerInputs, parts),
      embed: (part) => this.embed(part),
      loss: lossOf,
      variables,
    })
  }

  private embed({ inputIds, keptPatches, ...pictures }: Inputs): Embeds {
    const { model } = this.options
    const options: EncoderOptions & { readonly keptPatches: tf.Tensor | undefined } = { keptPatches }
    if (!inputIds) throw new InputError('no texts')
    return {
      imageEmbeds: unitLength(model.getImageFeatures(pictures, options).poolerOutput),
      textEmbeds: unitLength(model.getTextFeatures({ inputIds }).poolerOutput),
    }
  }

  /** Drawn for each step from a seed of its own, so that a training that is taken up draws the same. */
  private keptPatches(batch: number, step: number): NdArray<Int32Array> | undefined {
    const { model, keptShare, seed } = this.options
    const share = keptShare(step)
    if (share >= 1) return undefined
    if (!(model instanceof SiglipModel)) {
      throw new InputError('keepPatches needs pictures of one size', { found: model.getClassName() })
    }
    const { imageSize, patchSize } = model.config.visionConfig
    const patches = Math.floor(imageSize / patchSize) ** 2
    const kept = Math.max(1, Math.round(patches * share))
    const random = uniformStream(seedOf(seed, `patches ${step}`))
    const data = new Int32Array(batch * kept)
    for (let i = 0; i < batch; i++) data.set(permutation(patches, random).subarray(0, kept).sort(), i * kept)
    return { data, shape: [batch, kept] }
  }
}

interface Embeds {
  readonly imageEmbeds: tf.Tensor2D
  readonly textEmbeds: tf.Tensor2D
}

/** `[texts, texts]`: 1 where both say the same. */
function samePairs(texts: readonly string[]): NdArray<Float32Array> {
  const data = Float32Array.from(texts.flatMap((text) => texts.map((other) => Number(text === other))))
  return { data, shape: [texts.length, texts.length] }
}

function inParts(inputs: Inputs, parts: number): readonly Inputs[] {
  const cut = Object.entries(inputs).map(([name, tensor]) => [name, tf.split(tensor, parts)] as const)
  return Array.from({ length: parts }, (_, i) =>
    Object.fromEntries(cut.flatMap(([name, pieces]) => (pieces[i] ? [[name, pieces[i]] as const] : []))),
  )
}
