import { ConfigError } from '../errors.js'
import { checkActivationName } from './activation.js'
import type { Json } from './module.js'

/** What an encoder's layers need to know: the part that the text and the image tower's configurations share. */
export interface EncoderConfig {
  /** Width of the residual stream. */
  readonly hiddenSize: number
  /** Width inside the MLPs. */
  readonly intermediateSize: number
  readonly numHiddenLayers: number
  /** Divides `hiddenSize`. */
  readonly numAttentionHeads: number
  /** Name of the MLPs' activation. */
  readonly hiddenAct: string
  readonly layerNormEps: number
  /** Share of attention weights dropped in training. */
  readonly attentionDropout: number
}

/** How a forward pass is run. */
export interface RunOptions {
  /** In training, attention weights are dropped at the configured rate. Default: false. */
  readonly training?: boolean | undefined
  /** Which attention weights are dropped; the same seed drops the same ones. Default: random. */
  readonly dropoutSeed?: number | undefined
}

/**
 * The fields of an `EncoderConfig` alone, out of a configuration that may have more, checked: a layer that can't be built says so
 * before it has made a weight.
 *
 * @throws {ConfigError}
 */
export function encoderSettings(config: EncoderConfig): EncoderConfig & Json {
  const { hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads } = config
  const { hiddenAct, layerNormEps, attentionDropout } = config
  checkHeads(config)
  checkActivationName(hiddenAct)
  return { hiddenSize, intermediateSize, numHiddenLayers, numAttentionHeads, hiddenAct, layerNormEps, attentionDropout }
}

/** @throws {ConfigError} unless the heads divide the width */
export function checkHeads({
  hiddenSize,
  numAttentionHeads,
}: Pick<EncoderConfig, 'hiddenSize' | 'numAttentionHeads'>): void {
  if (Number.isInteger(hiddenSize / numAttentionHeads) && numAttentionHeads > 0) return
  throw new ConfigError('bad num_attention_heads', {
    expected: `a divisor of hidden_size, ${hiddenSize}`,
    found: `${numAttentionHeads}`,
  })
}
