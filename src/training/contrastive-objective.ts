import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import type { EncoderOptions } from '../layers/encoder.js'
import type { Arrays } from '../models/model-arrays.js'
import { gridSizeOf } from '../models/siglip/configuration.js'
import { pairLogits, SiglipModel, unitLength, type TwoTowerModel } from '../models/siglip/modeling.js'
import type { NdArray } from '../nd-array.js'
import { seedOf, uniformStream } from '../random.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import { reportTruncated, type OnTruncatedTexts } from '../tokenizer/truncated-texts.js'
import { accumulatedGradients } from './optimizers/accumulated-gradients.js'
import { chunkedSigmoidLoss } from './losses/chunked-sigmoid-loss.js'
import { permutation } from './data/batch-plan.js'
import type { PreparedBatch } from './data/prepared-batches.js'
import type { Sample } from './data/sample.js'
import type { Inputs, Objective } from './objective.js'
import type { ContrastiveLossName } from './losses/loss-names.js'
import { sigmoidLoss, type LossInputs } from './losses/sigmoid-loss.js'
import { softmaxLoss } from './losses/softmax-loss.js'

/** What a user's own loss is given. */
export interface LossContext extends LossInputs {
  /** `[images, texts]`: cosines times the scale plus the bias. */
  readonly logits: tf.Tensor2D
  /** `[images, texts]`: 1 where a text is the image's own, or equals it; else 0. */
  readonly labels: tf.Tensor2D
}

/** A loss of a batch's embeddings. It is recorded once, so it must consist of tfjs operations only. */
export type ContrastiveLoss = (context: LossContext) => tf.Scalar

/** The formulas of the losses that have names. */
export const contrastiveLosses: Readonly<Record<ContrastiveLossName, ContrastiveLoss>> = {
  sigmoid: sigmoidLoss,
  softmax: softmaxLoss,
  chunked: ({ imageEmbeds, textEmbeds, logitScale, logitBias }) =>
    chunkedSigmoidLoss({ imageEmbeds, textEmbeds, logitScale, logitBias }),
}

/** How images and texts are compared in training. */
export interface ContrastiveOptions {
  readonly model: TwoTowerModel
  readonly tokenizer: PreTrainedTokenizer
  readonly loss: ContrastiveLoss
  /** Whether the loss needs the matrix of all pairs' labels. */
  readonly seesPairs: boolean
  /** How many micro-batches a batch goes through the towers in. */
  readonly microBatches: number
  /** The share of an image's patches that a step sees, from 0 to 1. */
  readonly keptShare: (step: number) => number
  /** Which other samples a caption goes with. */
  readonly matches: ((caption: string) => (sample: Sample) => boolean) | undefined
  readonly seed: number
  /** Called after the first epoch, or at the end of the training, if captions were truncated. Default: warns on the console. */
  readonly onTruncated: OnTruncatedTexts | undefined
}

/** Matching images and texts get embeddings that are near each other. */
export class ContrastiveObjective implements Objective {
  /** Truncated captions of the first epoch; undefined once they are reported. */
  #truncated: Set<string> | undefined = new Set()
  #firstEpoch: number | undefined

  constructor(private readonly options: ContrastiveOptions) {}

  inputsOf(batch: PreparedBatch, step: number): Arrays {
    const { model, tokenizer } = this.options
    const maxLength = model.config.textConfig.maxPositionEmbeddings
    this.#firstEpoch ??= batch.epoch
    if (batch.epoch !== this.#firstEpoch) this.end()
    const { inputIds } = tokenizer.call(batch.captions, {
      ...{ padding: 'max_length', truncation: true, maxLength },
      onTruncated: (_, i) => this.#truncated?.add(batch.captions[i] ?? ''),
    })
    const kept = this.keptPatches(batch.captions.length, step)
    const labels = this.options.seesPairs ? this.pairs(batch) : undefined
    return { ...batch.images, inputIds, ...(labels && { labels }), ...(kept && { keptPatches: kept }) }
  }

  gradients(inputs: Inputs, variables: readonly tf.Variable[]): { value: tf.Scalar; grads: tf.NamedTensorMap } {
    const { model, microBatches } = this.options
    const { labels, ...towerInputs } = inputs
    const named = model.namedParameters()
    const [logitScale, logitBias] = [named.get('logit_scale'), named.get('logit_bias')]
    if (!logitScale || !logitBias) throw new InputError('The model has no logits to train')
    const lossOf = ({ imageEmbeds, textEmbeds }: Embeds): tf.Scalar =>
      this.options.loss({
        ...{ imageEmbeds, textEmbeds, logitScale, logitBias },
        // Only a loss that asks for them has matrices of all pairs.
        get logits() {
          return pairLogits(imageEmbeds, textEmbeds, logitScale, logitBias)
        },
        get labels() {
          if (labels) return labels.as2D(imageEmbeds.shape[0], textEmbeds.shape[0])
          throw new InputError('The loss has no labels')
        },
      })
    if (microBatches === 1)
      return tf.variableGrads(() => tf.tidy(() => lossOf(this.embed(towerInputs))), [...variables])
    return accumulatedGradients({
      batches: inMicroBatches(towerInputs, microBatches),
      embed: (microBatch) => this.embed(microBatch),
      loss: lossOf,
      variables,
    })
  }

  /** Reports the truncated captions, once. */
  end(): void {
    const { model, onTruncated } = this.options
    const { maxPositionEmbeddings: maxLength } = model.config.textConfig
    reportTruncated(this, { count: this.#truncated?.size ?? 0, maxLength }, onTruncated)
    this.#truncated = undefined
  }

  private embed({ inputIds, keptPatches, ...images }: Inputs): Embeds {
    const { model } = this.options
    const options: EncoderOptions & { readonly keptPatches: tf.Tensor | undefined } = { keptPatches }
    if (!inputIds) throw new InputError('Missing inputIds')
    return {
      imageEmbeds: unitLength(model.getImageFeatures(images, options).poolerOutput),
      textEmbeds: unitLength(model.getTextFeatures({ inputIds }).poolerOutput),
    }
  }

  /** `[images, texts]`: 1 where a text equals the image's own, or matches it. */
  private pairs({ captions, samples }: PreparedBatch): NdArray<Float32Array> {
    const { matches } = this.options
    const goesWith = matches && captions.map(matches)
    const data = captions.flatMap((own, image) =>
      captions.map((said, text) => {
        const sample = samples[image]?.sample
        return Number(said === own || (sample !== undefined && goesWith?.[text]?.(sample) === true))
      }),
    )
    return { data: Float32Array.from(data), shape: [captions.length, captions.length] }
  }

  /** Drawn for each step from a separate seed, so that a resumed training draws the same. */
  private keptPatches(batch: number, step: number): NdArray<Int32Array> | undefined {
    const { model, keptShare, seed } = this.options
    const share = keptShare(step)
    if (share >= 1) return undefined
    if (!(model instanceof SiglipModel)) {
      throw new InputError('keepPatches needs images of one size', { found: model.getClassName() })
    }
    const patches = gridSizeOf(model.config.visionConfig) ** 2
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

function inMicroBatches(inputs: Inputs, microBatches: number): readonly Inputs[] {
  const cut = Object.entries(inputs).map(([name, tensor]) => [name, tf.split(tensor, microBatches)] as const)
  return Array.from({ length: microBatches }, (_, i) =>
    Object.fromEntries(cut.flatMap(([name, pieces]) => (pieces[i] ? [[name, pieces[i]] as const] : []))),
  )
}
