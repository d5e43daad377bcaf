import * as tf from '@tensorflow/tfjs'
import { checkHeads, type EncoderConfig, type RunOptions } from './encoder-config.js'
import { xavierUniform } from './initializers.js'
import { Linear } from './linear.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions } from './parameter-scope.js'

/** What an attention layer needs of a tower's configuration. */
export type AttentionConfig = Pick<EncoderConfig, 'hiddenSize' | 'numAttentionHeads' | 'attentionDropout'>

/** Multi-headed attention (Vaswani et al. 2017), every position to every other. */
export class SiglipAttention extends Module {
  static readonly className = 'SiglipAttention'
  static {
    tf.serialization.registerClass(this)
  }

  private readonly config: AttentionConfig
  private readonly qProj: Linear
  private readonly kProj: Linear
  private readonly vProj: Linear
  private readonly outProj: Linear

  constructor(config: AttentionConfig, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    const { hiddenSize, numAttentionHeads, attentionDropout } = config
    this.config = { hiddenSize, numAttentionHeads, attentionDropout }
    checkHeads(config)
    const projection = (part: string): Linear =>
      this.part(
        new Linear(
          { inFeatures: hiddenSize, outFeatures: hiddenSize, weight: xavierUniform },
          { scope: this.scope.at(part) },
        ),
      )
    this.kProj = projection('k_proj')
    this.vProj = projection('v_proj')
    this.qProj = projection('q_proj')
    this.outProj = projection('out_proj')
  }

  /**
   * @param hiddenStates `[batch, length, hidden]`
   * @param attentionMask added to the scores: `[batch, 1, 1, length]`, 0 where a position is seen, the lowest float where not
   * @returns `[batch, length, hidden]`, and the weights `[batch, heads, length, length]`
   */
  forward(
    hiddenStates: tf.Tensor3D,
    attentionMask?: tf.Tensor4D,
    { training = false, dropoutSeed }: RunOptions = {},
  ): { readonly attnOutput: tf.Tensor3D; readonly attnWeights: tf.Tensor4D } {
    const { numAttentionHeads: heads, attentionDropout } = this.config
    const attnWeights = attentionWeights(
      splitHeads(this.qProj.forward(hiddenStates), heads),
      splitHeads(this.kProj.forward(hiddenStates), heads),
      attentionMask,
    )
    const kept: tf.Tensor4D =
      training && attentionDropout > 0
        ? dropout(attnWeights, attentionDropout, dropoutSeed === undefined ? undefined : this.scope.seed(dropoutSeed))
        : attnWeights
    const values = splitHeads(this.vProj.forward(hiddenStates), heads)
    return { attnOutput: this.outProj.forward(joinHeads(tf.matMul(kept, values))), attnWeights: kept }
  }

  protected infer([hiddenStates]: readonly [tf.Tensor3D], training: boolean): tf.Tensor {
    return this.forward(hiddenStates, undefined, { training }).attnOutput
  }

  protected settings(): Json {
    return this.config
  }
}

/** Zeros that share of the elements and makes up for it in the others. */
function dropout(x: tf.Tensor4D, rate: number, seed: number | undefined): tf.Tensor4D {
  // tfjs takes no rate of 1, and a seed of 0 for none.
  if (rate === 1) return tf.mul(x, 0)
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
 * A mask of ones (seen) and zeros (not seen) as it is added to the scores: 0, and the lowest float, which leaves a row that sees
 * nothing even.
 *
 * @param mask `[batch, length]`
 * @returns `[batch, 1, 1, length]`
 */
export function additiveMask(mask: tf.Tensor2D): tf.Tensor4D {
  const [batch, length] = mask.shape
  const hidden = tf.sub(1, tf.cast(mask, 'float32'))
  return tf.reshape(tf.mul(hidden, -3.4028234663852886e38), [batch, 1, 1, length])
}
