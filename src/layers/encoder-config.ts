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
