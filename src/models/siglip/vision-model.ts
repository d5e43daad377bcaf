/** The image tower, leaf to root: embeddings → encoder (`src/layers/encoder.ts`) → pooling head → tower. */
import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import { attentionWeights, joinHeads, splitHeads, type EncoderConfig } from '../../layers/attention.js'
import { Embedding, interpolatePositions } from '../../layers/embedding.js'
import { encoderSettings, normOf, SiglipEncoder, SiglipMLP } from '../../layers/encoder.js'
import type { EncoderOptions, EncoderOutput } from '../../layers/encoder.js'
import { lecunNormal, xavierUniform, zeros } from '../../layers/initializers.js'
import { LayerNorm, Linear, linear } from '../../layers/linear.js'
import { Module, type LayerOptions } from '../../layers/module.js'
import { idTensor, type TensorInput } from '../../backend/tensor-input.js'
import { PreTrainedModel, type ModelOptions } from '../loading/pre-trained-model.js'
import type { Fields } from '../loading/pretrained-config.js'
import { pixelTensor } from '../model-inputs.js'
import { gridSizeOf, SiglipVisionConfig, type VisionConfig } from './configuration.js'

/** What image embeddings need of a tower's configuration. */
export type VisionEmbeddingsConfig = Pick<SiglipVisionConfig, 'hiddenSize' | 'numChannels' | 'imageSize' | 'patchSize'>

/** Splits an image into patches: each is a vector plus a position embedding. */
export class SiglipVisionEmbeddings extends Module<VisionEmbeddingsConfig> {
  static readonly className = 'SiglipVisionEmbeddings'

  private readonly grid = gridSizeOf(this.config)
  private readonly weight
  private readonly bias
  private readonly positionEmbedding

  constructor({ hiddenSize, numChannels, imageSize, patchSize }: VisionEmbeddingsConfig, options?: LayerOptions) {
    super({ hiddenSize, numChannels, imageSize, patchSize }, options)
    this.weight = this.parameter('patch_embedding.weight', [hiddenSize, numChannels, patchSize, patchSize], lecunNormal)
    this.bias = this.parameter('patch_embedding.bias', [hiddenSize], zeros)
    const table = { numEmbeddings: this.grid ** 2, embeddingDim: hiddenSize }
    this.positionEmbedding = this.part('position_embedding', Embedding, table)
  }

  /** `[batch, channels, height, width]` → `[batch, patches, hidden]`; the positions may be fitted to images of another size. */
  forward(pixelValues: tf.Tensor4D, interpolatePosEncoding = false): tf.Tensor3D {
    const { grid, config } = this
    const [, , height, width] = pixelValues.shape
    const [rows, columns] = [Math.floor(height / config.patchSize), Math.floor(width / config.patchSize)]
    const isResized = interpolatePosEncoding && (rows !== grid || columns !== grid)
    const table = this.positionEmbedding.table() // [grid · grid, hidden]
    const patches = this.patchEmbedding(pixelValues, rows, columns) // [batch, rows · columns, hidden]
    return tf.add(patches, isResized ? interpolatePositions(table, grid, rows, columns) : table)
  }

  /** torch's Conv2d whose stride is its window: a linear layer over each patch. `[batch, rows · columns, hidden]` */
  private patchEmbedding(pixelValues: tf.Tensor4D, rows: number, columns: number): tf.Tensor3D {
    const { hiddenSize, patchSize: side } = this.config
    const [batch, channels] = pixelValues.shape
    const size = channels * side * side
    const whole = tf.slice(pixelValues, [0, 0, 0, 0], [batch, channels, rows * side, columns * side])
    const cut = tf.reshape(whole, [batch, channels, rows, side, columns, side])
    const byPatch = tf.transpose(cut, [0, 2, 4, 1, 3, 5]) // [batch, rows, columns, channels, side, side]
    const patches: tf.Tensor3D = tf.reshape(byPatch, [batch, rows * columns, size])
    return linear(patches, tf.reshape(this.weight.read(), [hiddenSize, size]), this.bias.read())
  }

  protected infer([pixelValues]: readonly [tf.Tensor4D]): tf.Tensor {
    return this.forward(pixelValues)
  }

  override computeOutputShape([batch = null]: tf.Shape): tf.Shape {
    return [batch, this.grid ** 2, this.config.hiddenSize]
  }
}

/** One vector for an image: a learned probe attends to all its patches (Zhai et al. 2022, section 3.3 "MAP head"). */
export class SiglipMultiheadAttentionPoolingHead extends Module<EncoderConfig> {
  static readonly className = 'SiglipMultiheadAttentionPoolingHead'

  private readonly size = this.config.hiddenSize
  private readonly probe = this.parameter('probe', [1, 1, this.size], xavierUniform)
  // torch's MultiheadAttention keeps the projections to query, key and value one above the other.
  private readonly inProjWeight = this.parameter('attention.in_proj_weight', [3 * this.size, this.size], xavierUniform)
  private readonly inProjBias = this.parameter('attention.in_proj_bias', [3 * this.size], zeros)
  private readonly outProj = this.part('attention.out_proj', Linear, { inFeatures: this.size, outFeatures: this.size })
  private readonly layernorm = this.part('layernorm', LayerNorm, normOf(this.config))
  private readonly mlp = this.part('mlp', SiglipMLP, this.config)

  constructor(config: EncoderConfig, options?: LayerOptions) {
    super(encoderSettings(config), options)
  }

  /** `[batch, patches, hidden]` → `[batch, hidden]`. `attentionMask` is added to the scores, `[batch, 1, 1, patches]`. */
  forward(hiddenState: tf.Tensor3D, attentionMask?: tf.Tensor4D): tf.Tensor2D {
    const [batch] = hiddenState.shape
    const probe = this.probe.read().as3D(1, 1, this.size)
    const queries = tf.tile(this.project(probe, 0), [batch, 1, 1, 1]) // [batch, heads, 1, hidden / heads]
    const keys = this.project(hiddenState, 1) // [batch, heads, patches, hidden / heads]
    const values = this.project(hiddenState, 2)
    const weights = attentionWeights(queries, keys, attentionMask) // [batch, heads, 1, patches]
    const pooled = this.outProj.forward(joinHeads(tf.matMul(weights, values))) // [batch, 1, hidden]
    const output: tf.Tensor3D = tf.add(pooled, this.mlp.forward(this.layernorm.forward(pooled)))
    return tf.reshape(output, [batch, this.size])
  }

  /** Queries (0), keys (1) or values (2) by head: `[batch, length, hidden]` → `[batch, heads, length, hidden / heads]` */
  private project(x: tf.Tensor3D, third: number): tf.Tensor4D {
    const weight = tf.slice(this.inProjWeight.read(), [third * this.size, 0], [this.size, this.size])
    const bias = tf.slice(this.inProjBias.read(), [third * this.size], [this.size])
    return splitHeads(linear(x, weight, bias), this.config.numAttentionHeads)
  }

  protected infer([hiddenState]: readonly [tf.Tensor3D]): tf.Tensor {
    return this.forward(hiddenState)
  }

  override computeOutputShape([batch = null]: tf.Shape): tf.Shape {
    return [batch, this.size]
  }
}

/** What an image tower returns; without its head, it has no `poolerOutput`. */
export type VisionModelOutput = EncoderOutput & { poolerOutput: tf.Tensor2D | undefined }

/** An image tower, SigLIP's or SigLIP 2's. They differ in their inputs. */
export abstract class VisionTower<Inputs = unknown, C extends VisionConfig = VisionConfig> extends PreTrainedModel<C> {
  static readonly prefix = 'vision_model'

  /** The image embeddings, and the hidden states under them. */
  abstract forward(inputs: Inputs, options?: EncoderOptions): VisionModelOutput

  /** The inputs of `forward`, out of the tensors that tfjs hands to a layer. */
  abstract inputsOf(tensors: readonly tf.Tensor[]): Inputs

  protected infer(tensors: readonly tf.Tensor[], training: boolean): tf.Tensor {
    const { poolerOutput, lastHiddenState } = this.forward(this.inputsOf(tensors), { training })
    return poolerOutput ?? lastHiddenState
  }
}

/** What the image tower takes: float32 `[batch, channels, height, width]`, as `SiglipImageProcessor` makes them. */
export interface SiglipVisionInputs {
  readonly pixelValues: TensorInput
}

/** How the image tower is run. */
export interface SiglipVisionOptions extends EncoderOptions {
  /** Takes images of any size, and fits the position embeddings to it. Default: false. */
  readonly interpolatePosEncoding?: boolean | undefined
  /**
   * The patches to keep of each image, int32 `[batch, kept]`, each once; the others are dropped (Li et al. 2023, "Scaling
   * Language-Image Pre-training via Masking", section 3). Default: all.
   */
  readonly keptPatches?: TensorInput | undefined
}

/**
 * The image tower. As a tfjs layer: images `[batch, channels, height, width]` → image embeddings `[batch, hidden]`; without its head,
 * the last hidden state `[batch, patches, hidden]`. Source: `SiglipVisionModel` of transformers' `modeling_siglip.py`.
 */
export class SiglipVisionModel extends VisionTower<SiglipVisionInputs, SiglipVisionConfig> {
  static readonly className = 'SiglipVisionModel'
  static readonly configClass = SiglipVisionConfig

  private readonly embeddings = this.part('embeddings', SiglipVisionEmbeddings, this.config)
  private readonly encoder = this.part('encoder', SiglipEncoder, this.config)
  private readonly postLayernorm = this.part('post_layernorm', LayerNorm, normOf(this.config))
  private readonly head = this.config.visionUseHead
    ? this.part('head', SiglipMultiheadAttentionPoolingHead, this.config)
    : undefined

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(config: SiglipVisionConfig | Fields<SiglipVisionConfig> = {}, options: ModelOptions = {}) {
    super(config instanceof SiglipVisionConfig ? config : new SiglipVisionConfig(config), options)
  }

  /** @throws {InputError} for images of another shape than the configuration's, unless `interpolatePosEncoding` is set */
  forward(inputs: SiglipVisionInputs, options: SiglipVisionOptions = {}): VisionModelOutput {
    const { interpolatePosEncoding = false, keptPatches } = options
    return tf.tidy(() => {
      const pixelValues = pixelTensor(inputs.pixelValues, this.config, interpolatePosEncoding) // [batch, channels, height, width]
      const embeds = this.embeddings.forward(pixelValues, interpolatePosEncoding) // [batch, patches, hidden]
      const hiddenStates = keptPatches ? gatherPatches(embeds, keptPatches) : embeds // [batch, kept, hidden]
      const encoded = this.encoder.forward(hiddenStates, undefined, options)
      const lastHiddenState = this.postLayernorm.forward(encoded.lastHiddenState) // [batch, kept, hidden]
      const poolerOutput = this.head?.forward(lastHiddenState) // [batch, hidden]
      return { ...encoded, lastHiddenState, poolerOutput }
    })
  }

  inputsOf([pixelValues]: readonly [tf.Tensor]): SiglipVisionInputs {
    return { pixelValues }
  }

  override computeOutputShape([batch = null]: tf.Shape): tf.Shape {
    const { hiddenSize, visionUseHead } = this.config
    return visionUseHead ? [batch, hiddenSize] : [batch, gridSizeOf(this.config) ** 2, hiddenSize]
  }
}

/** Some patches of each image: from one list of all images' patches, so that the gradient is one sum over segments. */
function gatherPatches(patches: tf.Tensor3D, keptPatches: TensorInput): tf.Tensor3D {
  const [batch, count, hidden] = patches.shape
  const kept = idTensor(keptPatches, 'keptPatches', count, 'They are indices of patches.') // [batch, kept]
  const [rows, size] = kept.shape
  if (rows !== batch)
    throw new InputError('Invalid keptPatches', { expected: `[${batch}, kept]`, found: `[${rows}, ${size}]` })
  const firsts = tf.range(0, batch * count, count, 'int32').as2D(batch, 1)
  const indices = tf.reshape(tf.add(kept, firsts), [batch * size])
  return tf.reshape(tf.gather(tf.reshape(patches, [batch * count, hidden]), indices), [batch, size, hidden])
}

const layers = [SiglipVisionEmbeddings, SiglipMultiheadAttentionPoolingHead, SiglipVisionModel]
for (const Layer of layers) tf.serialization.registerClass<Module>(Layer)
