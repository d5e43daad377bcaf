import * as tf from '@tensorflow/tfjs'
import { lecunNormal, ones, zeros, type Initializer } from './initializers.js'
import { Module } from './module.js'

/** Sizes of a {@link Linear}, and the first values of its weight (default: LeCun normal) and bias (default: zeros). */
export interface LinearSettings {
  readonly inFeatures: number
  readonly outFeatures: number
  readonly weight?: Initializer
  readonly bias?: Initializer
}

/** What an adapter adds to a layer's output: `[…, in]` → `[…, out]`. */
export type Adapter = <R extends tf.Rank>(x: tf.Tensor<R>) => tf.Tensor<R>

/** y = x·Wᵀ + b over the last axis. */
export class Linear extends Module<LinearSettings> {
  static readonly className = 'SiglipLinear'

  readonly inFeatures = this.config.inFeatures
  readonly outFeatures = this.config.outFeatures
  /** `[out, in]`, as in torch. */
  readonly weight = this.parameter('weight', [this.outFeatures, this.inFeatures], this.config.weight ?? lecunNormal)
  private readonly bias = this.parameter('bias', [this.outFeatures], this.config.bias ?? zeros)
  private adapter: Adapter | undefined

  /** `[…, in]` → `[…, out]` */
  forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    const y = linear(x, this.weight.read(), this.bias.read())
    return this.adapter ? tf.add(y, this.adapter(x)) : y
  }

  /** From now on, what the adapter makes of the input is added to the output; `undefined` takes the adapter off. */
  adapt(adapter: Adapter | undefined): void {
    this.adapter = adapter
  }

  protected infer([x]: readonly [tf.Tensor]): tf.Tensor {
    return this.forward(x)
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return [...inputShape.slice(0, -1), this.outFeatures]
  }
}

/** `[…, in]`, `[out, in]`, `[out]` → `[…, out]` */
export function linear<R extends tf.Rank>(x: tf.Tensor<R>, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor<R> {
  const [outFeatures = 0, inFeatures = 0] = weight.shape
  // Flattened to rank 2: tfjs has no gradient for a batched product with a shared matrix.
  const rows = tf.reshape(x, [-1, inFeatures])
  const product = tf.matMul(rows, weight, false, true)
  const y = bias ? tf.add(product, bias) : product
  const shape: number[] = x.shape.slice(0, -1)
  return tf.reshape<R>(y, [...shape, outFeatures] as tf.ShapeMap[R])
}

/** Size of a {@link LayerNorm}'s last axis, and the epsilon of the variance. */
export type LayerNormSettings = Readonly<Record<'size' | 'eps', number>>

/** Layer normalisation over the last axis (Ba et al. 2016), with the variance of the population as in torch. */
export class LayerNorm extends Module<LayerNormSettings> {
  static readonly className = 'SiglipLayerNorm'

  private readonly weight = this.parameter('weight', [this.config.size], ones)
  private readonly bias = this.parameter('bias', [this.config.size], zeros)

  forward<T extends tf.Tensor>(x: T): T {
    const centred = tf.sub(x, tf.mean(x, -1, true))
    const variance = tf.mean(tf.square(centred), -1, true)
    const normalised = tf.mul(centred, tf.rsqrt(tf.add(variance, this.config.eps)))
    return tf.add(tf.mul(normalised, this.weight.read()), this.bias.read())
  }

  protected infer([x]: readonly [tf.Tensor]): tf.Tensor {
    return this.forward(x)
  }
}

for (const Layer of [Linear, LayerNorm]) tf.serialization.registerClass<Module>(Layer)
