import * as tf from '@tensorflow/tfjs'
import { encoderSettings, type EncoderConfig, type RunOptions } from './encoder-config.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions } from './parameter-scope.js'
import { SiglipEncoderLayer } from './siglip-encoder-layer.js'

/** What the encoder shall keep of its way. */
export interface EncoderOptions extends RunOptions {
  /** Default: false. */
  readonly outputHiddenStates?: boolean | undefined
  /** Default: false. */
  readonly outputAttentions?: boolean | undefined
}

/** What the encoder saw on its way. */
export interface EncoderOutput {
  /** `[batch, length, hidden]`, before the tower's last layer norm. */
  readonly lastHiddenState: tf.Tensor3D
  /** The input and what each layer made of it: one more than there are layers. */
  readonly hiddenStates?: tf.Tensor3D[]
  /** Each layer's attention weights, `[batch, heads, length, length]`. */
  readonly attentions?: tf.Tensor4D[]
}

/** `numHiddenLayers` encoder layers, one after the other. */
export class SiglipEncoder extends Module {
  static readonly className = 'SiglipEncoder'
  static {
    tf.serialization.registerClass(this)
  }

  private readonly config: EncoderConfig & Json
  private readonly layers: readonly SiglipEncoderLayer[]

  constructor(config: EncoderConfig, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    this.config = encoderSettings(config)
    this.layers = Array.from({ length: config.numHiddenLayers }, (_, i) =>
      this.part(new SiglipEncoderLayer(config, { scope: this.scope.at(`layers.${i}`) })),
    )
  }

  /**
   * The last hidden state, and what else the options ask for.
   * @param inputsEmbeds `[batch, length, hidden]`
   * @param attentionMask added to the attention's logits, to which it must broadcast: `[batch, heads, length, length]`
   */
  forward(inputsEmbeds: tf.Tensor3D, attentionMask?: tf.Tensor4D, options: EncoderOptions = {}): EncoderOutput {
    const { outputHiddenStates = false, outputAttentions = false } = options
    let lastHiddenState = inputsEmbeds
    const hiddenStates = [inputsEmbeds]
    const attentions: tf.Tensor4D[] = []
    for (const layer of this.layers) {
      // Each in a tidy of its own, or all would hold their scores.
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

  protected settings(): Json {
    return this.config
  }
}
