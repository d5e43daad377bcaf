/** The model of both towers (`text-model.ts`, `vision-model.ts`): logits → loss → model. */
import * as tf from '@tensorflow/tfjs'
import { ConfigError, InputError } from '../../errors.js'
import type { EncoderOptions } from '../../layers/encoder.js'
import { constant } from '../../layers/initializers.js'
import { PreTrainedModel, type ModelOptions } from '../loading/pre-trained-model.js'
import { SiglipConfig, type SiglipConfigFields, type TwoTowerConfig } from './configuration.js'
import { SiglipTextModel, type BaseModelOutputWithPooling, type TextInputs, type TextTower } from './text-model.js'
import { SiglipVisionModel } from './vision-model.js'
import type { SiglipVisionInputs, SiglipVisionOptions, VisionTower } from './vision-model.js'

/** Embeddings `[batch, width]` divided by their Euclidean length. */
export function unitLength(rows: tf.Tensor2D): tf.Tensor2D {
  return tf.div(rows, tf.sqrt(tf.sum(tf.square(rows), -1, true)))
}

/**
 * How well each row goes with each column: their cosine, times exp(scale), plus the bias (Zhai et al. 2023, algorithm 1).
 * `[rows, width]` and `[columns, width]`, of length one → `[rows, columns]`
 * @throws {InputError} if their widths differ
 */
export function pairLogits(rows: tf.Tensor2D, columns: tf.Tensor2D, scale: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  const [rowWidth, columnWidth] = [rows.shape[1], columns.shape[1]]
  if (rowWidth === columnWidth) {
    return tf.tidy(() => {
      const cosines = tf.matMul(rows, columns, false, true)
      return tf.add(tf.mul(cosines, tf.exp(scale)), bias)
    })
  }
  const hint = "The text tower's projection_size must be the image tower's hidden_size."
  const detail = { expected: `${columnWidth}`, found: `${rowWidth}`, hint }
  throw new InputError('the embeddings of texts and images differ in width', detail)
}

/** −log σ(±logits) of each pair, + where `labels` `[rows, columns]` has 1, − where it has 0 (Zhai et al. 2023, algorithm 1). */
export function pairLosses(logits: tf.Tensor2D, labels: tf.Tensor2D): tf.Tensor2D {
  const signs = tf.sub(tf.mul(2, labels), 1)
  // As softplus(−x): tf.logSigmoid's gradient reads a tensor that a tidy around it has disposed.
  return tf.softplus(tf.neg(tf.mul(signs, logits)))
}

/** The labels if the i-th text matches only the i-th image. @throws {InputError} unless there are as many texts as images */
export function diagonalLabels({ shape: [rows, columns] }: tf.Tensor2D): tf.Tensor2D {
  if (rows === columns) return tf.eye(rows)
  const detail = { expected: 'as many texts as images', found: `${rows} and ${columns}` }
  throw new InputError('The labels of pairs are missing', { ...detail, hint: 'Or give the labels of the pairs.' })
}

/** What `SiglipModel` returns. Every tensor is the caller's to dispose. */
export type SiglipOutput = {
  /** With `returnLoss`: the sigmoid loss, a scalar. */
  loss?: tf.Scalar
  /** `[images, texts]`; their sigmoid is the probability that the two match. */
  logitsPerImage: tf.Tensor2D
  /** `[texts, images]` */
  logitsPerText: tf.Tensor2D
  /** `[texts, width]`, of length one. */
  textEmbeds: tf.Tensor2D
  /** `[images, width]`, of length one. */
  imageEmbeds: tf.Tensor2D
  textModelOutput: BaseModelOutputWithPooling
  visionModelOutput: BaseModelOutputWithPooling
}

/** How a model of both towers is made. */
export interface TwoTowerModelOptions extends ModelOptions {
  /**
   * Where the logits' scale and bias start. `transformers`: both parameters at 0. `paper`: log 10 and −10, for batches of 32,768
   * (Zhai et al. 2023, section 3.2). A batch size: log 10 and −log of the negatives for each positive. Default: `transformers`.
   */
  readonly logits?: 'transformers' | 'paper' | { readonly batchSize: number } | undefined
}

/** Whether a model computes its loss, too. */
export interface LossOptions {
  /** Whether the sigmoid loss is computed; the i-th text then belongs to the i-th image. Default: false. */
  readonly returnLoss?: boolean | undefined
}

/**
 * A text tower, an image tower, and the logits of every image with every text. As a tfjs layer it takes the text tower's ids and the
 * image tower's inputs and returns `[logitsPerImage, logitsPerText]`.
 * Source: Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training"; `SiglipModel` of transformers' `modeling_siglip.py`.
 */
export abstract class TwoTowerModel<
  Inputs = unknown,
  Options extends EncoderOptions = EncoderOptions,
> extends PreTrainedModel<TwoTowerConfig> {
  static readonly prefix = ''
  abstract readonly textModel: TextTower
  abstract readonly visionModel: VisionTower<Inputs>
  private readonly logitScale
  private readonly logitBias

  protected constructor(config: TwoTowerConfig, { logits = 'transformers', ...options }: TwoTowerModelOptions) {
    const { scale, bias } = logitsStart(logits)
    super(config, options)
    this.logitScale = this.parameter('logit_scale', [1], constant(scale))
    this.logitBias = this.parameter('logit_bias', [1], constant(bias))
  }

  /** The text tower's output; its `poolerOutput` `[batch, width]` is the text embedding, not yet of length one. */
  getTextFeatures(inputs: TextInputs, options?: EncoderOptions): BaseModelOutputWithPooling {
    return this.textModel.forward(inputs, options)
  }

  /** The image tower's output; its `poolerOutput` `[batch, width]` is the image embedding, not yet of length one. */
  getImageFeatures(inputs: Inputs, options?: Options | EncoderOptions): BaseModelOutputWithPooling {
    const { poolerOutput, ...output } = this.visionModel.forward(inputs, options)
    if (poolerOutput) return { ...output, poolerOutput }
    tf.dispose(output)
    const detail = { expected: 'an image tower with its head', found: 'vision_use_head: false' }
    throw new ConfigError('The model has no image embedding', {
      ...detail,
      hint: 'Use its visionModel for the lastHiddenState.',
    })
  }

  /** @throws {InputError} as the towers do */
  forward(inputs: TextInputs & Inputs, options?: (Options | EncoderOptions) & LossOptions): SiglipOutput {
    return tf.tidy(() => {
      const visionModelOutput = this.getImageFeatures(inputs, options)
      const textModelOutput = this.getTextFeatures(inputs, options)

      const imageEmbeds = unitLength(visionModelOutput.poolerOutput) // [images, width]
      const textEmbeds = unitLength(textModelOutput.poolerOutput) // [texts, width]

      const logitsPerText = this.logits(textEmbeds, imageEmbeds) // [texts, images]
      const logitsPerImage = tf.transpose(logitsPerText)
      const losses = options?.returnLoss ? pairLosses(logitsPerText, diagonalLabels(logitsPerText)) : undefined
      const loss = losses ? { loss: tf.div<tf.Scalar>(tf.sum(losses), losses.shape[0]) } : {} // for each text
      return { ...loss, logitsPerImage, logitsPerText, textEmbeds, imageEmbeds, textModelOutput, visionModelOutput }
    })
  }

  /**
   * How well each text goes with each image: their cosine, times the model's scale, plus its bias. Its sigmoid is the probability that
   * they match. `[texts, width]` and `[images, width]`, of length one → `[texts, images]`
   * @throws {InputError} if their widths differ
   */
  logits(textEmbeds: tf.Tensor2D, imageEmbeds: tf.Tensor2D): tf.Tensor2D {
    return pairLogits(textEmbeds, imageEmbeds, this.logitScale.read(), this.logitBias.read())
  }

  protected infer([inputIds, ...images]: readonly [tf.Tensor, ...tf.Tensor[]], training: boolean): tf.Tensor[] {
    const inputs = { inputIds, ...this.visionModel.inputsOf(images) }
    const { logitsPerImage, logitsPerText } = this.forward(inputs, { training })
    return [logitsPerImage, logitsPerText]
  }

  override computeOutputShape([[texts = null] = [], [images = null] = []]: tf.Shape[]): tf.Shape[] {
    const perImage = [images, texts]
    return [perImage, [texts, images]]
  }
}

function logitsStart(start: NonNullable<TwoTowerModelOptions['logits']>): { scale: number; bias: number } {
  if (start === 'transformers') return { scale: 0, bias: 0 }
  if (start === 'paper') return { scale: Math.log(10), bias: -10 }
  const { batchSize } = start
  if (Number.isInteger(batchSize) && batchSize >= 2) return { scale: Math.log(10), bias: -Math.log(batchSize - 1) }
  throw new InputError('Invalid batchSize', {
    expected: 'a whole number from 2',
    found: `${batchSize}`,
    where: 'logits',
  })
}

/**
 * SigLIP. As a tfjs layer it takes `[inputIds, pixelValues]` and returns `[logitsPerImage, logitsPerText]`.
 * Source: `SiglipModel` of transformers' `modeling_siglip.py`.
 */
export class SiglipModel extends TwoTowerModel<SiglipVisionInputs, SiglipVisionOptions> {
  static readonly className = 'SiglipModel'
  static readonly configClass = SiglipConfig
  declare readonly config: SiglipConfig
  readonly textModel: SiglipTextModel
  readonly visionModel: SiglipVisionModel

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(fields: SiglipConfig | SiglipConfigFields = {}, options: TwoTowerModelOptions = {}) {
    const config = fields instanceof SiglipConfig ? fields : new SiglipConfig(fields)
    super(config, options)
    this.textModel = this.part('text_model', SiglipTextModel, config.textConfig)
    this.visionModel = this.part('vision_model', SiglipVisionModel, config.visionConfig)
  }
}

tf.serialization.registerClass(SiglipModel)
