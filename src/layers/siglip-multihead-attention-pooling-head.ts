import * as tf from '@tensorflow/tfjs'
import { encoderSettings, type EncoderConfig } from './encoder-config.js'
import { xavierUniform, zeros } from './initializers.js'
import { LayerNorm } from './layer-norm.js'
import { Linear, linear } from './linear.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions, type Parameter } from './parameter-scope.js'
import { attentionWeights, joinHeads, splitHeads } from './siglip-attention.js'
import { SiglipMLP } from './siglip-mlp.js'

/** One vector for a picture: a learned probe attends to all its patches (Zhai et al. 2022, section 3.3 "MAP head"). */
export class SiglipMultiheadAttentionPoolingHead extends Module {
  static readonly className = 'SiglipMultiheadAttentionPoolingHead'
  static {
    tf.serialization.registerClass(this)
  }

  private readonly config: EncoderConfig & Json
  private readonly probe: Parameter
  private readonly inProjWeight: Parameter
  private readonly inProjBias: Parameter
  private readonly outProj: Linear
  private readonly layernorm: LayerNorm
  private readonly mlp: SiglipMLP

  constructor(config: EncoderConfig, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    this.config = encoderSettings(config)
    const { hiddenSize } = config
    this.probe = this.parameter('probe', [1, 1, hiddenSize], xavierUniform)
    this.inProjWeight = this.parameter('attention.in_proj_weight', [3 * hiddenSize, hiddenSize], xavierUniform)
    this.inProjBias = this.parameter('attention.in_proj_bias', [3 * hiddenSize], zeros)
    this.outProj = this.part(
      new Linear({ inFeatures: hiddenSize, outFeatures: hiddenSize }, { scope: this.scope.at('attention.out_proj') }),
    )
    this.layernorm = this.part(
      new LayerNorm({ size: hiddenSize, eps: config.layerNormEps }, { scope: this.scope.at('layernorm') }),
    )
    this.mlp = this.part(new SiglipMLP(config, { scope: this.scope.at('mlp') }))
  }

  /** `[batch, patches, hidden]` → `[batch, hidden]`. `attentionMask` is added to the scores, `[batch, 1, 1, patches]`. */
  forward(hiddenState: tf.Tensor3D, attentionMask?: tf.Tensor4D): tf.Tensor2D {
    const { hiddenSize, numAttentionHeads: heads } = this.config
    const [batch] = hiddenState.shape
    // torch's MultiheadAttention keeps the projections to query, key and value one above the other.
    const project = (x: tf.Tensor3D, third: number): tf.Tensor4D => {
      const weight = tf.slice(this.inProjWeight.read(), [third * hiddenSize, 0], [hiddenSize, hiddenSize])
      const bias = tf.slice(this.inProjBias.read(), [third * hiddenSize], [hiddenSize])
      return splitHeads(linear(x, weight, bias), heads) // [batch, heads, length, hidden / heads]
    }
    const queries = tf.tile(project(this.probe.read().as3D(1, 1, hiddenSize), 0), [batch, 1, 1, 1])
    const keys = project(hiddenState, 1)
    const values = project(hiddenState, 2)
    const weights = attentionWeights(queries, keys, attentionMask)
    const pooled = this.outProj.forward(joinHeads(tf.matMul(weights, values))) // [batch, 1, hidden]
    const output: tf.Tensor3D = tf.add(pooled, this.mlp.forward(this.layernorm.forward(pooled)))
    return tf.reshape(output, [batch, hiddenSize])
  }

  protected infer([hiddenState]: readonly [tf.Tensor3D]): tf.Tensor {
    return this.forward(hiddenState)
  }

  override computeOutputShape([batch = null]: tf.Shape): tf.Shape {
    return [batch, this.config.hiddenSize]
  }

  protected settings(): Json {
    return this.config
  }
}
