import * as tf from '@tensorflow/tfjs'
import { ConfigError, InputError } from '../errors.js'
import { constant, zeros, type Initializer } from '../layers/initializers.js'
import type { Parameter, ParameterScope } from '../layers/parameter-scope.js'
import type { EncoderOptions } from '../layers/siglip-encoder.js'
import type { BaseModelOutputWithPooling, SiglipOutput } from './model-outputs.js'
import { pairLogits } from './pair-logits.js'
import { PreTrainedModel, type ModelOptions } from './loading/pre-trained-model.js'
import { sigmoidLossOfLogits } from './sigmoid-loss.js'
import type { TextInputs, TextTower } from './text-tower.js'
import type { TwoTowerConfig } from './two-tower-config.js'
import type { VisionTower } from './vision-tower.js'

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
  /** Whether the sigmoid loss is computed; the i-th text then belongs to the i-th picture. Default: false. */
  readonly returnLoss?: boolean | undefined
}

/**
 * A text tower, an image tower, and the logits of every picture with every text. As a tfjs layer it takes the text tower's ids and
 * the image tower's inputs and returns `[logitsPerImage, logitsPerText]`.
 * Source: Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training"; `SiglipModel` of transformers' `modeling_siglip.py`.
 */
export abstract class TwoTowerModel<
  Inputs = unknown,
  Options extends EncoderOptions = EncoderOptions,
  Text extends TextTower = TextTower,
  Vision extends VisionTower<Inputs> = VisionTower<Inputs>,
> extends PreTrainedModel {
  static readonly prefix = ''
  abstract override readonly config: TwoTowerConfig
  readonly textModel: Text
  readonly visionModel: Vision
  private readonly logitScale: Parameter
  private readonly logitBias: Parameter

  protected constructor(
    options: TwoTowerModelOptions,
    makeText: (options: { readonly scope: ParameterScope }) => Text,
    makeVision: (options: { readonly scope: ParameterScope }) => Vision,
  ) {
    super(options)
    const { scale, bias } = logitInitializers(options.logits ?? 'transformers')
    this.logitScale = this.parameter('logit_scale', [1], scale)
    this.logitBias = this.parameter('logit_bias', [1], bias)
    this.textModel = this.part(makeText({ scope: this.scope.at('text_model') }))
    this.visionModel = this.part(makeVision({ scope: this.scope.at('vision_model') }))
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
    throw new ConfigError('no image embedding', {
      expected: 'an image tower with its head',
      found: 'vision_use_head: false',
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
      const loss = options?.returnLoss ? { loss: sigmoidLossOfLogits(logitsPerText) } : {}
      return { ...loss, logitsPerImage, logitsPerText, textEmbeds, imageEmbeds, textModelOutput, visionModelOutput }
    })
  }

  /**
   * How well each text goes with each picture: their cosine, times the model's scale, plus its bias. The sigmoid of it is the
   * probability that they belong together.
   *
   * @param textEmbeds `[texts, width]`, of length one
   * @param imageEmbeds `[images, width]`, of length one
   * @returns `[texts, images]`
   * @throws {InputError} if their widths differ
   */
  logits(textEmbeds: tf.Tensor2D, imageEmbeds: tf.Tensor2D): tf.Tensor2D {
    return pairLogits(textEmbeds, imageEmbeds, this.logitScale.read(), this.logitBias.read())
  }

  protected infer([inputIds, ...pictures]: readonly [tf.Tensor, ...tf.Tensor[]], training: boolean): tf.Tensor[] {
    const inputs = { inputIds, ...this.visionModel.inputsOf(pictures) }
    const { logitsPerImage, logitsPerText } = this.forward(inputs, { training })
    return [logitsPerImage, logitsPerText]
  }

  override computeOutputShape([ids = [], pixels = []]: tf.Shape[]): tf.Shape[] {
    const [texts = null] = ids
    const [images = null] = pixels
    return [
      [images, texts],
      [texts, images],
    ]
  }
}

function logitInitializers(start: 'transformers' | 'paper' | { readonly batchSize: number }): {
  scale: Initializer
  bias: Initializer
} {
  if (start === 'transformers') return { scale: zeros, bias: zeros }
  if (start === 'paper') return { scale: constant(Math.log(10)), bias: constant(-10) }
  const { batchSize } = start
  if (!Number.isInteger(batchSize) || batchSize < 2) {
    throw new InputError('bad batchSize', { expected: 'a whole number from 2', found: `${batchSize}`, where: 'logits' })
  }
  return { scale: constant(Math.log(10)), bias: constant(-Math.log(batchSize - 1)) }
}

/** Embeddings `[batch, width]` divided by their Euclidean length. */
export function unitLength(rows: tf.Tensor2D): tf.Tensor2D {
  return tf.div(rows, tf.sqrt(tf.sum(tf.square(rows), -1, true)))
}
