import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import { LayerNorm } from '../layers/layer-norm.js'
import { Linear } from '../layers/linear.js'
import { additiveMask } from '../layers/siglip-attention.js'
import { SiglipEncoder, type EncoderOptions } from '../layers/siglip-encoder.js'
import { SiglipTextEmbeddings } from '../layers/siglip-text-embeddings.js'
import type { BaseModelOutputWithPooling } from './model-outputs.js'
import { PreTrainedModel, type ModelOptions } from './loading/pre-trained-model.js'
import { idTensor, type TensorInput } from './tensor-input.js'
import type { TextConfig } from './tower-configs.js'

/** What a text tower takes. */
export interface TextInputs {
  /** int32 `[batch, length]`, padded as the model was trained: `padding: 'max_length'`. */
  readonly inputIds: TensorInput
  /** `[batch, length]`: 1 for tokens that are seen, 0 for those that are not. Default: all are, paddings too. */
  readonly attentionMask?: TensorInput | undefined
  /** int32 `[batch, length]` or `[1, length]`. Default: 0, 1, 2 … */
  readonly positionIds?: TensorInput | undefined
}

/**
 * The text tower of SigLIP and SigLIP 2. As a tfjs layer it takes token ids `[batch, length]` and returns the text embedding
 * `[batch, projection]`.
 */
export abstract class TextTower<C extends TextConfig = TextConfig> extends PreTrainedModel {
  static readonly prefix = 'text_model'

  private readonly embeddings: SiglipTextEmbeddings
  private readonly encoder: SiglipEncoder
  private readonly finalLayerNorm: LayerNorm
  private readonly head: Linear

  protected constructor(
    readonly config: C,
    options: ModelOptions,
  ) {
    super(options)
    const { hiddenSize, layerNormEps, projectionSize } = config
    this.embeddings = this.part(new SiglipTextEmbeddings(config, { scope: this.scope.at('embeddings') }))
    this.encoder = this.part(new SiglipEncoder(config, { scope: this.scope.at('encoder') }))
    this.finalLayerNorm = this.part(
      new LayerNorm({ size: hiddenSize, eps: layerNormEps }, { scope: this.scope.at('final_layer_norm') }),
    )
    this.head = this.part(
      new Linear({ inFeatures: hiddenSize, outFeatures: projectionSize }, { scope: this.scope.at('head') }),
    )
  }

  /** @throws {InputError} for inputs of another shape, longer than `maxPositionEmbeddings`, or with ids beyond the vocabulary */
  forward(inputs: TextInputs, options: EncoderOptions = {}): BaseModelOutputWithPooling {
    return tf.tidy(() => {
      const inputIds = idTensor(inputs.inputIds, 'inputIds', this.config.vocabSize) // [batch, length]
      const [batch, length] = this.checkLength(inputIds)
      const positionIds =
        inputs.positionIds && idTensor(inputs.positionIds, 'positionIds', this.config.maxPositionEmbeddings)
      const mask = inputs.attentionMask && idTensor(inputs.attentionMask, 'attentionMask', 2)
      checkShape('positionIds', positionIds, [batch, length])
      checkShape('attentionMask', mask, [batch, length])

      const hiddenStates = this.embeddings.forward(inputIds, positionIds) // [batch, length, hidden]
      // No causal mask, unlike CLIP's: every token sees every other.
      const encoded = this.encoder.forward(hiddenStates, mask && additiveMask(mask), options)
      const lastHiddenState = this.finalLayerNorm.forward(encoded.lastHiddenState)
      // The last token stands for the text; it may be a padding, and was one in training.
      const last = tf.slice(lastHiddenState, [0, length - 1, 0], [batch, 1, this.config.hiddenSize])
      const poolerOutput = this.head.forward(last.as2D(batch, this.config.hiddenSize)) // [batch, projection]
      return { ...encoded, lastHiddenState, poolerOutput }
    })
  }

  private checkLength(inputIds: tf.Tensor2D): [batch: number, length: number] {
    const { maxPositionEmbeddings } = this.config
    const [, length] = inputIds.shape
    if (length <= maxPositionEmbeddings) return inputIds.shape
    throw new InputError('text too long', {
      expected: `at most ${maxPositionEmbeddings} tokens`,
      found: `${length}`,
      where: 'inputIds',
      hint: `Tokenize with { truncation: true, maxLength: ${maxPositionEmbeddings} }.`,
    })
  }

  protected infer([inputIds]: readonly [tf.Tensor], training: boolean): tf.Tensor {
    return this.forward({ inputIds }, { training }).poolerOutput
  }

  override computeOutputShape([batch = null]: tf.Shape): tf.Shape {
    return [batch, this.config.projectionSize]
  }
}

function checkShape(name: string, tensor: tf.Tensor2D | undefined, [batch, length]: [number, number]): void {
  if (!tensor || (tensor.shape[1] === length && (tensor.shape[0] === batch || tensor.shape[0] === 1))) return
  throw new InputError(`bad ${name}`, {
    expected: `[${batch}, ${length}], the shape of inputIds`,
    found: `[${tensor.shape.join(', ')}]`,
  })
}
