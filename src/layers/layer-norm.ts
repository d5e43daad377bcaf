import * as tf from '@tensorflow/tfjs'
import { ones, zeros } from './initializers.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions, type Parameter } from './parameter-scope.js'

export interface LayerNormSettings {
  readonly size: number
  /** Added to the variance. */
  readonly eps: number
}

/** Layer normalisation over the last axis (Ba et al. 2016), with the variance of the population as in torch. */
export class LayerNorm extends Module {
  static readonly className = 'SiglipLayerNorm'
  static {
    tf.serialization.registerClass(this)
  }

  private readonly size: number
  private readonly eps: number
  private readonly weight: Parameter
  private readonly bias: Parameter

  constructor({ size, eps }: LayerNormSettings, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    this.size = size
    this.eps = eps
    this.weight = this.parameter('weight', [size], ones)
    this.bias = this.parameter('bias', [size], zeros)
  }

  forward<T extends tf.Tensor>(x: T): T {
    const centred = tf.sub(x, tf.mean(x, -1, true))
    const variance = tf.mean(tf.square(centred), -1, true)
    const normalised = tf.mul(centred, tf.rsqrt(tf.add(variance, this.eps)))
    return tf.add(tf.mul(normalised, this.weight.read()), this.bias.read())
  }

  protected infer([x]: readonly [tf.Tensor]): tf.Tensor {
    return this.forward(x)
  }

  protected settings(): Json {
    return { size: this.size, eps: this.eps }
  }
}
