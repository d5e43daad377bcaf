import * as tf from '@tensorflow/tfjs'
import { ConfigError } from '../errors.js'
import { xavierUniform } from './initializers.js'
import { Linear } from './linear.js'
import { Module, type LayerOptions } from './module.js'

/** What an encoder needs of a tower's configuration, which documents it. */
export interface EncoderConfig {
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly numHiddenLayers: number
  readonly numAttentionHeads: number
  readonly hiddenAct: string
  readonly layerNormEps: number
  readonly attentionDropout: number
}

/** What an attention layer needs of a tower's configuration. */
export type AttentionConfig = Pick<EncoderConfig, 'hiddenSize' | 'numAttentionHeads' | 'attentionDropout'>

/** How a forward pass is run. */
export interface LayerRunOptions {
  /** In training, attention weights are dropped at the configured rate. Default: false. */
  readonly training?: boolean | undefined
  /** Which attention weights are dropped; the same seed drops the same ones. Default: random. */
  readonly dropoutSeed?: number | undefined
}

/** Multi-headed attention (Vaswani et al. 2017), every position to every other. */
export class SiglipAttention extends Module<AttentionConfig> {
  static readonly className = 'SiglipAttention'

  private readonly kProj = this.projection('k_proj')
  private readonly vProj = this.projection('v_proj')
  private readonly qProj = this.projection('q_proj')
  private readonly outProj = this.projection('out_proj')

  /** @throws {ConfigError} unless the heads divide the width */
  constructor(config: AttentionConfig, options?: LayerOptions) {
    checkHeads(config)
    const { hiddenSize, numAttentionHeads, attentionDropout } = config
    super({ hiddenSize, numAttentionHeads, attentionDropout }, options)
  }

  private projection(name: string): Linear {
    const { hiddenSize } = this.config
    return this.part(name, Linear, { inFeatures: hiddenSize, outFeatures: hiddenSize, weight: xavierUniform })
  }

  /**
   * @param hiddenStates `[batch, length, hidden]`
   * @param attentionMask added to the scores: `[batch, 1, 1, length]`, 0 where a position is attended to, else the lowest float
   * @returns `[batch, length, hidden]`, and the weights `[batch, heads, length, length]`
   */
  forward(
    hiddenStates: tf.Tensor3D,
    attentionMask?: tf.Tensor4D,
    { training = false, dropoutSeed }: LayerRunOptions = {},
  ): { readonly attnOutput: tf.Tensor3D; readonly attnWeights: tf.Tensor4D } {
    const { numAttentionHeads: heads, attentionDropout } = this.config
    const queries = splitHeads(this.qProj.forward(hiddenStates), heads) // [batch, heads, length, hidden / heads]
    const keys = splitHeads(this.kProj.forward(hiddenStates), heads)
    const weights = attentionWeights(queries, keys, attentionMask) // [batch, heads, length, length]
    const seed = dropoutSeed === undefined ? undefined : this.scope.seed(dropoutSeed)
    const attnWeights = training && attentionDropout > 0 ? dropout(weights, attentionDropout, seed) : weights
    const values = splitHeads(this.vProj.forward(hiddenStates), heads)
    const attended = joinHeads(tf.matMul(attnWeights, values)) // [batch, length, hidden]
    return { attnOutput: this.outProj.forward(attended), attnWeights }
  }

  protected infer([hiddenStates]: readonly [tf.Tensor3D], training: boolean): tf.Tensor {
    return this.forward(hiddenStates, undefined, { training }).attnOutput
  }
}

tf.serialization.registerClass(SiglipAttention)

/** @throws {ConfigError} unless the heads divide the width */
export function checkHeads({ hiddenSize, numAttentionHeads: heads }: AttentionConfig): void {
  if (Number.isInteger(hiddenSize / heads) && heads > 0) return
  const expected = `a divisor of hidden_size, ${hiddenSize}`
  throw new ConfigError('Invalid num_attention_heads', { expected, found: `${heads}` })
}

/** Sets that share of the elements to zero, and scales the others so that the expectation stays. */
function dropout(x: tf.Tensor4D, rate: number, seed: number | undefined): tf.Tensor4D {
  if (rate === 1) return tf.mul(x, 0) // tfjs takes no rate of 1, and a seed of 0 for none
  return tf.dropout(x, rate, undefined, seed === undefined ? undefined : String(seed)).as4D(...x.shape)
}

/** `[batch, length, hidden]` → `[batch, heads, length, hidden / heads]` */
export function splitHeads(x: tf.Tensor3D, heads: number): tf.Tensor4D {
  const [batch, length, hidden] = x.shape
  return tf.transpose(tf.reshape(x, [batch, length, heads, hidden / heads]), [0, 2, 1, 3])
}

/** `[batch, heads, length, size]` → `[batch, length, heads · size]` */
export function joinHeads(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, heads, length, size] = x.shape
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, length, heads * size])
}

/** softmax(q·kᵀ / √size + mask): `[batch, heads, queries, size]`, `[batch, heads, keys, size]` → `[batch, heads, queries, keys]` */
export function attentionWeights(queries: tf.Tensor4D, keys: tf.Tensor4D, mask?: tf.Tensor4D): tf.Tensor4D {
  const [, , , size] = queries.shape
  const scores: tf.Tensor4D = tf.mul(tf.matMul(queries, keys, false, true), size ** -0.5)
  return tf.softmax(mask ? tf.add(scores, mask) : scores)
}

/**
 * A mask `[batch, length]` of ones (attended to) and zeros as it is added to the scores, `[batch, 1, 1, length]`: 0, and the lowest
 * float. A position that sees nothing sees everything alike.
 */
export function additiveMask(mask: tf.Tensor2D): tf.Tensor4D {
  const [batch, length] = mask.shape
  const hidden = tf.sub(1, tf.cast(mask, 'float32'))
  return tf.reshape(tf.mul(hidden, -3.4028234663852886e38), [batch, 1, 1, length])
}
