/** The text tower, leaf to root: embeddings → encoder (`src/layers/encoder.ts`) → tower. */
import * as tf from '@tensorflow/tfjs'
import { additiveMask } from '../../layers/attention.js'
import { Embedding } from '../../layers/embedding.js'
import { normOf, SiglipEncoder, type EncoderOptions, type EncoderOutput } from '../../layers/encoder.js'
import { LayerNorm, Linear } from '../../layers/linear.js'
import { Module, type LayerOptions } from '../../layers/module.js'
import type { TensorInput } from '../../backend/tensor-input.js'
import { PreTrainedModel, type ModelOptions } from '../loading/pre-trained-model.js'
import type { Fields } from '../loading/pretrained-config.js'
import { besideIds, textTensor } from '../model-inputs.js'
import { SiglipTextConfig, type TextConfig } from './configuration.js'

/** What text embeddings need of a tower's configuration. */
export type TextEmbeddingsConfig = Pick<TextConfig, 'vocabSize' | 'hiddenSize' | 'maxPositionEmbeddings'>

/** A vector for each token plus a vector for its position. */
export class SiglipTextEmbeddings extends Module<TextEmbeddingsConfig> {
  static readonly className = 'SiglipTextEmbeddings'

  private readonly tokenEmbedding = this.embedding('token_embedding', this.config.vocabSize)
  private readonly positionEmbedding = this.embedding('position_embedding', this.config.maxPositionEmbeddings)

  constructor({ vocabSize, hiddenSize, maxPositionEmbeddings }: TextEmbeddingsConfig, options?: LayerOptions) {
    super({ vocabSize, hiddenSize, maxPositionEmbeddings }, options)
  }

  private embedding(name: string, numEmbeddings: number): Embedding {
    return this.part(name, Embedding, { numEmbeddings, embeddingDim: this.config.hiddenSize })
  }

  /** int32 `[batch, length]`, and positions of the same shape or `[1, length]` (default: 0, 1, 2 …) → `[batch, length, hidden]` */
  forward(inputIds: tf.Tensor2D, positionIds?: tf.Tensor2D): tf.Tensor3D {
    const [, length] = inputIds.shape
    const positions = positionIds
      ? this.positionEmbedding.forward(positionIds)
      : tf.slice(this.positionEmbedding.table(), [0, 0], [length, this.config.hiddenSize])
    return tf.add(this.tokenEmbedding.forward(inputIds), positions)
  }

  protected infer([inputIds]: readonly [tf.Tensor2D]): tf.Tensor {
    return this.forward(inputIds)
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return [...inputShape, this.config.hiddenSize]
  }
}

/** What a text tower takes. */
export interface TextInputs {
  /** int32 `[batch, length]`, padded as the model was trained: `padding: 'max_length'`. */
  readonly inputIds: TensorInput
  /** `[batch, length]`: 1 for tokens that are attended to, else 0. Default: all 1, padding included. */
  readonly attentionMask?: TensorInput | undefined
  /** int32 `[batch, length]` or `[1, length]`. Default: 0, 1, 2 … */
  readonly positionIds?: TensorInput | undefined
}

/** What a tower returns. Every tensor is the caller's to dispose. */
export type BaseModelOutputWithPooling = EncoderOutput & {
  /** `[batch, width]`: the embedding, not yet of length one. */
  poolerOutput: tf.Tensor2D
}

/** The text tower of SigLIP and SigLIP 2. As a tfjs layer: token ids `[batch, length]` → text embeddings `[batch, projection]`. */
export abstract class TextTower extends PreTrainedModel<TextConfig> {
  static readonly prefix = 'text_model'

  private readonly embeddings = this.part('embeddings', SiglipTextEmbeddings, this.config)
  private readonly encoder = this.part('encoder', SiglipEncoder, this.config)
  private readonly finalLayerNorm = this.part('final_layer_norm', LayerNorm, normOf(this.config))
  private readonly head = this.part('head', Linear, {
    inFeatures: this.config.hiddenSize,
    outFeatures: this.config.projectionSize,
  })

  /** @throws {InputError} for inputs of another shape, longer than `maxPositionEmbeddings`, or with ids beyond the vocabulary */
  forward(inputs: TextInputs, options: EncoderOptions = {}): BaseModelOutputWithPooling {
    return tf.tidy(() => {
      const inputIds = textTensor(inputs.inputIds, this.config) // [batch, length]
      const [batch, length] = inputIds.shape
      const positionIds = besideIds(inputs.positionIds, 'positionIds', this.config.maxPositionEmbeddings, inputIds)
      const mask = besideIds(inputs.attentionMask, 'attentionMask', 2, inputIds) // [batch, length]

      const embeds = this.embeddings.forward(inputIds, positionIds) // [batch, length, hidden]
      // No causal mask, unlike CLIP's: every token sees every other.
      const encoded = this.encoder.forward(embeds, mask && additiveMask(mask), options)
      const lastHiddenState = this.finalLayerNorm.forward(encoded.lastHiddenState) // [batch, length, hidden]
      // The last token stands for the text. It may be padding, as in training.
      const last = tf.slice(lastHiddenState, [0, length - 1, 0], [batch, 1, this.config.hiddenSize])
      const poolerOutput = this.head.forward(last.as2D(batch, this.config.hiddenSize)) // [batch, projection]
      return { ...encoded, lastHiddenState, poolerOutput }
    })
  }

  protected infer([inputIds]: readonly [tf.Tensor], training: boolean): tf.Tensor {
    return this.forward({ inputIds }, { training }).poolerOutput
  }

  override computeOutputShape([batch = null]: tf.Shape): tf.Shape {
    return [batch, this.config.projectionSize]
  }
}

/** The text tower. Source: `SiglipTextModel` of transformers' `modeling_siglip.py`. */
export class SiglipTextModel extends TextTower {
  static readonly className = 'SiglipTextModel'
  static readonly configClass = SiglipTextConfig
  declare readonly config: SiglipTextConfig

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(config: SiglipTextConfig | Fields<SiglipTextConfig> = {}, options: ModelOptions = {}) {
    super(config instanceof SiglipTextConfig ? config : new SiglipTextConfig(config), options)
  }
}

for (const Layer of [SiglipTextEmbeddings, SiglipTextModel]) tf.serialization.registerClass<Module>(Layer)
