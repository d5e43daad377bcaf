import * as tf from '@tensorflow/tfjs'
import { lecunNormal, zeros, type Initializer } from './initializers.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions, type Parameter } from './parameter-scope.js'

/** Sizes of a {@link Linear}, and what it starts from. */
export interface LinearSettings {
  readonly inFeatures: number
  readonly outFeatures: number
  /** Default: LeCun normal. */
  readonly weight?: Initializer
  /** Default: zeros. */
  readonly bias?: Initializer
}

/** What an adapter adds to a layer's output: `[…, in]` → `[…, out]`. */
export type Adapter = <R extends tf.Rank>(x: tf.Tensor<R>) => tf.Tensor<R>

/** y = x·Wᵀ + b over the last axis; `weight` is `[out, in]`, as in torch. */
export class Linear extends Module {
  static readonly className = 'SiglipLinear'
  static {
    tf.serialization.registerClass(this)
  }

  readonly inFeatures: number
  readonly outFeatures: number
  /** `[out, in]` */
  readonly weight: Parameter
  private readonly bias: Parameter
  private adapter: Adapter | undefined

  constructor(settings: LinearSettings, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    this.inFeatures = settings.inFeatures
    this.outFeatures = settings.outFeatures
    this.weight = this.parameter('weight', [this.outFeatures, this.inFeatures], settings.weight ?? lecunNormal)
    this.bias = this.parameter('bias', [this.outFeatures], settings.bias ?? zeros)
  }

  /** `[…, in]` → `[…, out]` */
  forward<R extends tf.Rank>(x: tf.Tensor<R>): tf.Tensor<R> {
    const y = linear(x, this.weight.read(), this.bias.read())
    return this.adapter ? tf.add(y, this.adapter(x)) : y
  }

  /** From now on adds to the output what the adapter makes of the input; without one, nothing. */
  adapt(adapter: Adapter | undefined): void {
    this.adapter = adapter
  }

  protected infer([x]: readonly [tf.Tensor]): tf.Tensor {
    return this.forward(x)
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return [...inputShape.slice(0, -1), this.outFeatures]
  }

  protected settings(): Json {
    return { inFeatures: this.inFeatures, outFeatures: this.outFeatures }
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
