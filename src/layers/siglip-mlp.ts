import * as tf from '@tensorflow/tfjs'
import { activation, type Activation } from './activation.js'
import type { EncoderConfig } from './encoder-config.js'
import { normal, xavierUniform } from './initializers.js'
import { Linear } from './linear.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions } from './parameter-scope.js'

/** What an MLP needs of a tower's configuration. */
export type MlpConfig = Pick<EncoderConfig, 'hiddenSize' | 'intermediateSize' | 'hiddenAct'>

/** Two linear layers with the activation between them. */
export class SiglipMLP extends Module {
  static readonly className = 'SiglipMLP'
  static {
    tf.serialization.registerClass(this)
  }

  private readonly config: MlpConfig
  private readonly activationFn: Activation
  private readonly fc1: Linear
  private readonly fc2: Linear

  constructor(config: MlpConfig, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    const { hiddenSize, intermediateSize, hiddenAct } = config
    this.config = { hiddenSize, intermediateSize, hiddenAct }
    const init = { weight: xavierUniform, bias: normal(1e-6) }
    this.activationFn = activation(hiddenAct, (parameter, ...rest) =>
      this.parameter(`activation_fn.${parameter}`, ...rest),
    )
    this.fc1 = this.part(
      new Linear({ inFeatures: hiddenSize, outFeatures: intermediateSize, ...init }, { scope: this.scope.at('fc1') }),
    )
    this.fc2 = this.part(
      new Linear({ inFeatures: intermediateSize, outFeatures: hiddenSize, ...init }, { scope: this.scope.at('fc2') }),
    )
  }

  /** `[…, hidden]` → `[…, hidden]` */
  forward<R extends tf.Rank>(hiddenStates: tf.Tensor<R>): tf.Tensor<R> {
    return this.fc2.forward(this.activationFn(this.fc1.forward(hiddenStates)))
  }

  protected infer([hiddenStates]: readonly [tf.Tensor]): tf.Tensor {
    return this.forward(hiddenStates)
  }

  protected settings(): Json {
    return this.config
  }
}
