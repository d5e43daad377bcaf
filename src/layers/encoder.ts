import * as tf from '@tensorflow/tfjs'
import { activation, checkActivationName } from './activation.js'
import { checkHeads, SiglipAttention, type EncoderConfig, type LayerRunOptions } from './attention.js'
import { normal, xavierUniform } from './initializers.js'
import { LayerNorm, Linear, type LayerNormSettings } from './linear.js'
import { Module, type LayerOptions } from './module.js'

/** What an MLP needs of a tower's configuration. */
export type MlpConfig = Pick<EncoderConfig, 'hiddenSize' | 'intermediateSize' | 'hiddenAct'>

/** Two linear layers with the activation between them. */
export class SiglipMLP extends Module<MlpConfig> {
  static readonly className = 'SiglipMLP'

  private readonly activationFn = activation(this.config.hiddenAct, (name, ...rest) =>
    this.parameter(`activation_fn.${name}`, ...rest),
  )
  private readonly fc1 = this.linear('fc1', this.config.hiddenSize, this.config.intermediateSize)
  private readonly fc2 = this.linear('fc2', this.config.intermediateSize, this.config.hiddenSize)

  constructor({ hiddenSize, intermediateSize, hiddenAct }: MlpConfig, options?: LayerOptions) {
    super({ hiddenSize, intermediateSize, hiddenAct }, options)
  }

  private linear(name: string, inFeatures: number, outFeatures: number): Linear {
    return this.part(name, Linear, { inFeatures, outFeatures, weight: xavierUniform, bias: normal(1e-6) })
  }

  /** `[…, hidden]` → `[…, hidden]` */
  forward<R extends tf.Rank>(hiddenStates: tf.Tensor<R>): tf.Tensor<R> {
    const inner = this.activationFn(this.fc1.forward(hiddenStates)) // […, intermediate]
    return this.fc2.forward(inner)
  }

  protected infer([hiddenStates]: readonly [tf.Tensor]): tf.Tensor {
    return this.forward(hiddenStates)
  }
}

/** One block of the transformer: attention and MLP, each with pre-norm and residual. */
export class SiglipEncoderLayer extends Module<EncoderConfig> {
  static readonly className = 'SiglipEncoderLayer'

  private readonly layerNorm1 = this.part('layer_norm1', LayerNorm, normOf(this.config))
  private readonly selfAttn = this.part('self_attn', SiglipAttention, this.config)
  private readonly layerNorm2 = this.part('layer_norm2', LayerNorm, normOf(this.config))
  private readonly mlp = this.part('mlp', SiglipMLP, this.config)

  constructor(config: EncoderConfig, options?: LayerOptions) {
    super(encoderSettings(config), options)
  }

  /** `[batch, length, hidden]` → the same, and the attention weights `[batch, heads, length, length]` */
  forward(
    hiddenStates: tf.Tensor3D,
    attentionMask?: tf.Tensor4D,
    options?: LayerRunOptions,
  ): { readonly hiddenStates: tf.Tensor3D; readonly attnWeights: tf.Tensor4D } {
    const normed = this.layerNorm1.forward(hiddenStates) // [batch, length, hidden]
    const { attnOutput, attnWeights } = this.selfAttn.forward(normed, attentionMask, options)
    const attended: tf.Tensor3D = tf.add(hiddenStates, attnOutput)
    const output = this.mlp.forward(this.layerNorm2.forward(attended))
    return { hiddenStates: tf.add(attended, output), attnWeights }
  }

  protected infer([hiddenStates]: readonly [tf.Tensor3D], training: boolean): tf.Tensor {
    return this.forward(hiddenStates, undefined, { training }).hiddenStates
  }
}

/** What an encoder returns beside its last hidden state. */
export interface EncoderOptions extends LayerRunOptions {
  /** Default: false. */
  readonly outputHiddenStates?: boolean | undefined
  /** Default: false. */
  readonly outputAttentions?: boolean | undefined
}

/** What an encoder returns. Every tensor is the caller's to dispose, e.g. by `tf.dispose(output)` or in a `tf.tidy` around the call. */
export type EncoderOutput = {
  /** `[batch, length, hidden]`; of a tower, after its last layer norm. */
  lastHiddenState: tf.Tensor3D
  /** With `outputHiddenStates`: the input and each layer's output, `[batch, length, hidden]` each. */
  hiddenStates?: tf.Tensor3D[]
  /** With `outputAttentions`: each layer's weights, `[batch, heads, length, length]`. */
  attentions?: tf.Tensor4D[]
}

/** `numHiddenLayers` encoder layers, one after the other. */
export class SiglipEncoder extends Module<EncoderConfig> {
  static readonly className = 'SiglipEncoder'

  private readonly layers = Array.from({ length: this.config.numHiddenLayers }, (_, i) =>
    this.part(`layers.${i}`, SiglipEncoderLayer, this.config),
  )

  constructor(config: EncoderConfig, options?: LayerOptions) {
    super(encoderSettings(config), options)
  }

  /** `[batch, length, hidden]` → the last hidden state, and what else the options ask for. The mask is added to the scores. */
  forward(inputsEmbeds: tf.Tensor3D, attentionMask?: tf.Tensor4D, options: EncoderOptions = {}): EncoderOutput {
    const { outputHiddenStates = false, outputAttentions = false } = options
    let lastHiddenState = inputsEmbeds
    const hiddenStates = [inputsEmbeds]
    const attentions: tf.Tensor4D[] = []
    for (const layer of this.layers) {
      // Each in its own tidy: the scores of one layer are freed before the next.
      const result: { hiddenStates: tf.Tensor3D; attnWeights?: tf.Tensor4D } = tf.tidy(() => {
        const { hiddenStates, attnWeights } = layer.forward(lastHiddenState, attentionMask, options)
        return outputAttentions ? { hiddenStates, attnWeights } : { hiddenStates }
      })
      lastHiddenState = result.hiddenStates
      if (outputHiddenStates) hiddenStates.push(lastHiddenState)
      if (result.attnWeights) attentions.push(result.attnWeights)
    }
    return { lastHiddenState, ...(outputHiddenStates && { hiddenStates }), ...(outputAttentions && { attentions }) }
  }

  protected infer([inputsEmbeds]: readonly [tf.Tensor3D], training: boolean): tf.Tensor {
    return this.forward(inputsEmbeds, undefined, { training }).lastHiddenState
  }
}

for (const Layer of [SiglipMLP, SiglipEncoderLayer, SiglipEncoder]) tf.serialization.registerClass<Module>(Layer)

/** Only the fields of an `EncoderConfig`, checked before a weight is made. @throws {ConfigError} */
export function encoderSettings(config: EncoderConfig): EncoderConfig {
  const { hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads } = config
  const { hiddenAct, layerNormEps, attentionDropout } = config
  checkHeads(config)
  checkActivationName(hiddenAct)
  return { hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads, hiddenAct, layerNormEps, attentionDropout }
}

/** The layer norms of an encoder and its tower. */
export function normOf({ hiddenSize, layerNormEps }: EncoderConfig): LayerNormSettings {
  return { size: hiddenSize, eps: layerNormEps }
}
