import type * as tf from '@tensorflow/tfjs'
import type { EncoderConfig } from '../layers/encoder-config.js'
import { LayerNorm } from '../layers/layer-norm.js'
import type { Module } from '../layers/module.js'
import type { ParameterScope } from '../layers/parameter-scope.js'
import { SiglipEncoder, type EncoderOptions } from '../layers/siglip-encoder.js'
import { SiglipMultiheadAttentionPoolingHead } from '../layers/siglip-multihead-attention-pooling-head.js'
import type { VisionModelOutput } from './model-outputs.js'
import { PreTrainedModel, type ModelOptions } from './loading/pre-trained-model.js'
import type { VisionConfig } from './tower-configs.js'

/**
 * The image tower of SigLIP and SigLIP 2. They differ in what they take, the `Inputs`, and in how the patches of it are embedded; from
 * there on they are one.
 */
export abstract class VisionTower<
  Inputs,
  Config extends VisionConfig = VisionConfig,
  Embeddings extends Module = Module,
> extends PreTrainedModel {
  static readonly prefix = 'vision_model'
  protected readonly embeddings: Embeddings
  private readonly encoder: SiglipEncoder
  private readonly postLayernorm: LayerNorm
  private readonly head: SiglipMultiheadAttentionPoolingHead | undefined

  protected constructor(
    readonly config: Config,
    options: ModelOptions,
    makeEmbeddings: (config: Config, options: { readonly scope: ParameterScope }) => Embeddings,
  ) {
    super(options)
    const norm = { size: config.hiddenSize, eps: config.layerNormEps }
    const encoder: EncoderConfig = config
    this.embeddings = this.part(makeEmbeddings(config, { scope: this.scope.at('embeddings') }))
    this.encoder = this.part(new SiglipEncoder(encoder, { scope: this.scope.at('encoder') }))
    this.postLayernorm = this.part(new LayerNorm(norm, { scope: this.scope.at('post_layernorm') }))
    this.head = config.visionUseHead
      ? this.part(new SiglipMultiheadAttentionPoolingHead(encoder, { scope: this.scope.at('head') }))
      : undefined
  }

  /** The image embeddings, and the hidden states under them. */
  abstract forward(inputs: Inputs, options?: EncoderOptions): VisionModelOutput

  /** The inputs of `forward`, out of the tensors that tfjs hands to a layer. */
  abstract inputsOf(tensors: readonly tf.Tensor[]): Inputs

  /**
   * @param hiddenStates `[batch, patches, hidden]`
   * @param attentionMask added to the scores, `[batch, 1, 1, patches]`
   */
  /** From embedded patches `[batch, patches, hidden]` to the output; `attentionMask` is added to the attention's logits. */
  protected encode(hiddenStates: tf.Tensor3D, options: EncoderOptions, attentionMask?: tf.Tensor4D): VisionModelOutput {
    const encoded = this.encoder.forward(hiddenStates, attentionMask, options)
    const lastHiddenState = this.postLayernorm.forward(encoded.lastHiddenState)
    return { ...encoded, lastHiddenState, poolerOutput: this.head?.forward(lastHiddenState, attentionMask) } // [batch, hidden]
  }

  protected infer(tensors: readonly tf.Tensor[], training: boolean): tf.Tensor {
    const { poolerOutput, lastHiddenState } = this.forward(this.inputsOf(tensors), { training })
    return poolerOutput ?? lastHiddenState
  }
}
