import * as tf from '@tensorflow/tfjs'
import { encoderSettings, type EncoderConfig, type RunOptions } from './encoder-config.js'
import { LayerNorm } from './layer-norm.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions } from './parameter-scope.js'
import { SiglipAttention } from './siglip-attention.js'
import { SiglipMLP } from './siglip-mlp.js'

/** One block of the transformer: attention and MLP, each behind a layer norm and beside a residual. */
export class SiglipEncoderLayer extends Module {
  static readonly className = 'SiglipEncoderLayer'
  static {
    tf.serialization.registerClass(this)
  }

  private readonly config: EncoderConfig & Json
  private readonly layerNorm1: LayerNorm
  private readonly selfAttn: SiglipAttention
  private readonly layerNorm2: LayerNorm
  private readonly mlp: SiglipMLP

  constructor(config: EncoderConfig, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    this.config = encoderSettings(config)
    const norm = { size: config.hiddenSize, eps: config.layerNormEps }
    this.layerNorm1 = this.part(new LayerNorm(norm, { scope: this.scope.at('layer_norm1') }))
    this.selfAttn = this.part(new SiglipAttention(config, { scope: this.scope.at('self_attn') }))
    this.layerNorm2 = this.part(new LayerNorm(norm, { scope: this.scope.at('layer_norm2') }))
    this.mlp = this.part(new SiglipMLP(config, { scope: this.scope.at('mlp') }))
  }

  /** `[batch, length, hidden]` → the same, and the attention weights `[batch, heads, length, length]` */
  forward(
    hiddenStates: tf.Tensor3D,
    attentionMask?: tf.Tensor4D,
    options?: RunOptions,
  ): { readonly hiddenStates: tf.Tensor3D; readonly attnWeights: tf.Tensor4D } {
    const { attnOutput, attnWeights } = this.selfAttn.forward(
      this.layerNorm1.forward(hiddenStates),
      attentionMask,
      options,
    )
    const attended: tf.Tensor3D = tf.add(hiddenStates, attnOutput)
    return { hiddenStates: tf.add(attended, this.mlp.forward(this.layerNorm2.forward(attended))), attnWeights }
  }

  protected infer([hiddenStates]: readonly [tf.Tensor3D], training: boolean): tf.Tensor {
    return this.forward(hiddenStates, undefined, { training }).hiddenStates
  }

  protected settings(): Json {
    return this.config
  }
}
