/** The image tower of NaFlex, leaf to root: embeddings → encoder (`src/layers/encoder.ts`) → pooling head → tower. */
import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import { additiveMask } from '../../layers/attention.js'
import { Embedding } from '../../layers/embedding.js'
import { normOf, SiglipEncoder, type EncoderOptions } from '../../layers/encoder.js'
import { LayerNorm, Linear } from '../../layers/linear.js'
import { Module, type LayerOptions } from '../../layers/module.js'
import { checkShape, checkValues, idTensor, toTensor, type TensorInput } from '../../backend/tensor-input.js'
import type { ModelOptions } from '../loading/pre-trained-model.js'
import type { Fields } from '../loading/pretrained-config.js'
import { SiglipMultiheadAttentionPoolingHead, VisionTower, type VisionModelOutput } from '../siglip/vision-model.js'
import { Siglip2VisionConfig } from './configuration.js'

/** What NaFlex's image embeddings need of a tower's configuration. */
export type Siglip2VisionEmbeddingsConfig = Pick<
  Siglip2VisionConfig,
  'hiddenSize' | 'numChannels' | 'patchSize' | 'numPatches'
>

/** A vector for each patch plus a vector for its position; the square of trained positions is resized to each image's own grid. */
export class Siglip2VisionEmbeddings extends Module<Siglip2VisionEmbeddingsConfig> {
  static readonly className = 'Siglip2VisionEmbeddings'

  private readonly patchEmbedding = this.part('patch_embedding', Linear, {
    inFeatures: this.config.numChannels * this.config.patchSize ** 2,
    outFeatures: this.config.hiddenSize,
  })
  private readonly positionEmbedding = this.part('position_embedding', Embedding, {
    numEmbeddings: this.config.numPatches,
    embeddingDim: this.config.hiddenSize,
  })

  constructor(config: Siglip2VisionEmbeddingsConfig, options?: LayerOptions) {
    const { hiddenSize, numChannels, patchSize, numPatches } = config
    super({ hiddenSize, numChannels, patchSize, numPatches }, options)
  }

  /**
   * @param pixelValues `[batch, patches, channels · patchSize²]`
   * @param spatialShapes int32 `[batch, 2]`: each image's rows and columns of patches
   * @returns `[batch, patches, hidden]`
   */
  forward(pixelValues: tf.Tensor3D, spatialShapes: tf.Tensor2D): tf.Tensor3D {
    const [, patches] = pixelValues.shape
    const positions = resizedPositions(this.positionEmbedding.table(), spatialShapes, patches) // [batch, patches, hidden]
    return tf.add(this.patchEmbedding.forward(pixelValues), positions)
  }

  protected infer([pixelValues, spatialShapes]: readonly [tf.Tensor3D, tf.Tensor2D]): tf.Tensor {
    return this.forward(pixelValues, spatialShapes)
  }

  override computeOutputShape([pixels = []]: tf.Shape[]): tf.Shape {
    return [...pixels.slice(0, -1), this.config.hiddenSize]
  }
}

/**
 * The trained positions, a square, resized to each image's own grid.
 *
 * Source: `Siglip2VisionEmbeddings.resize_positional_embeddings` of transformers from version 5.24 on. Earlier versions give every
 * patch of an image that is one patch wide the first one's position.
 *
 * @param table `[grid · grid, hidden]`
 * @param spatialShapes int32 `[batch, 2]`
 * @returns `[batch, patches, hidden]`
 */
function resizedPositions(table: tf.Tensor2D, spatialShapes: tf.Tensor2D, patches: number): tf.Tensor3D {
  const [batch] = spatialShapes.shape
  const [positions, hidden] = table.shape
  const grid = Math.sqrt(positions)
  const [rows, columns] = tf.split(tf.cast(spatialShapes, 'float32'), 2, 1) as [tf.Tensor2D, tf.Tensor2D] // [batch, 1]
  const patch = tf.range(0, patches).as2D(1, patches)
  const isOfImage = tf.cast(tf.less(patch, tf.mul(rows, columns)), 'float32') // [batch, patches]
  const row: tf.Tensor2D = tf.mul(tf.floor(tf.div(patch, columns)), isOfImage)
  const column: tf.Tensor2D = tf.mul(tf.sub(patch, tf.mul(row, columns)), isOfImage)

  const down = sharesOfPositions(row, rows, grid).as4D(batch, patches, grid, 1)
  const across = sharesOfPositions(column, columns, grid).as4D(batch, patches, 1, grid)
  const shares = tf.mul(down, across).as2D(batch * patches, positions)
  return tf.matMul(shares, table).as3D(batch, patches, hidden)
}

/**
 * The share of each trained position along one axis in each patch's position: the weights of `torch.nn.functional.interpolate(mode=
 * 'bilinear', antialias=True, align_corners=False)`.
 *
 * @param position of each patch along the axis, `[batch, patches]`; padding is at the first, where the mask hides it
 * @param size of each image along the axis, `[batch, 1]`
 * @returns `[batch, patches, grid]`
 */
function sharesOfPositions(position: tf.Tensor2D, size: tf.Tensor2D, grid: number): tf.Tensor3D {
  const [batch, patches] = position.shape
  const scale = tf.div(grid, size) // trained positions for each of the image's
  const centre = tf.sub(tf.mul(tf.add(position, 0.5), scale), 0.5).as3D(batch, patches, 1)
  const distance = tf.abs(tf.sub(tf.range(0, grid).as3D(1, 1, grid), centre))
  const shares = tf.relu(tf.sub(1, tf.div(distance, tf.maximum(scale, 1).as3D(batch, 1, 1))))
  return tf.div(shares, tf.sum(shares, -1, true))
}

/** Images of any aspect ratio, split into patches and padded to one number of them, as `Siglip2ImageProcessor` makes them. */
export interface Siglip2VisionInputs {
  /** float32 `[batch, patches, channels · patchSize²]` */
  readonly pixelValues: TensorInput
  /** int32 `[batch, patches]`: 1 for patches of the image, 0 for padding. */
  readonly pixelAttentionMask: TensorInput
  /** int32 `[batch, 2]`: rows and columns of patches of each image. */
  readonly spatialShapes: TensorInput
}

/**
 * The image tower of SigLIP 2 with NaFlex. As a tfjs layer it takes `[pixelValues, pixelAttentionMask, spatialShapes]` and returns the
 * image embedding `[batch, hidden]`; without its head, the last hidden state `[batch, patches, hidden]`.
 * Source: `Siglip2VisionModel` of transformers' `modeling_siglip2.py`.
 */
export class Siglip2VisionModel extends VisionTower<Siglip2VisionInputs, Siglip2VisionConfig> {
  static readonly className = 'Siglip2VisionModel'
  static readonly configClass = Siglip2VisionConfig

  private readonly embeddings = this.part('embeddings', Siglip2VisionEmbeddings, this.config)
  private readonly encoder = this.part('encoder', SiglipEncoder, this.config)
  private readonly postLayernorm = this.part('post_layernorm', LayerNorm, normOf(this.config))
  private readonly head = this.config.visionUseHead
    ? this.part('head', SiglipMultiheadAttentionPoolingHead, this.config)
    : undefined

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(config: Siglip2VisionConfig | Fields<Siglip2VisionConfig> = {}, options: ModelOptions = {}) {
    super(config instanceof Siglip2VisionConfig ? config : new Siglip2VisionConfig(config), options)
  }

  /** @throws {InputError} for inputs of other shapes, or images of more patches than `pixelValues` has room for */
  forward(inputs: Siglip2VisionInputs, options: EncoderOptions = {}): VisionModelOutput {
    return tf.tidy(() => {
      const { pixelValues, spatialShapes, mask } = this.tensorsOf(inputs)
      const hiddenStates = this.embeddings.forward(pixelValues, spatialShapes) // [batch, patches, hidden]
      const attentionMask = additiveMask(mask) // [batch, 1, 1, patches]
      const encoded = this.encoder.forward(hiddenStates, attentionMask, options)
      const lastHiddenState = this.postLayernorm.forward(encoded.lastHiddenState) // [batch, patches, hidden]
      const poolerOutput = this.head?.forward(lastHiddenState, attentionMask) // [batch, hidden]
      return { ...encoded, lastHiddenState, poolerOutput }
    })
  }

  /** The inputs as tensors: `[batch, patches, channels · patchSize²]`, `[batch, 2]`, `[batch, patches]`. */
  private tensorsOf(inputs: Siglip2VisionInputs): {
    readonly pixelValues: tf.Tensor3D
    readonly spatialShapes: tf.Tensor2D
    readonly mask: tf.Tensor2D
  } {
    const pixelValues = this.patches(inputs.pixelValues)
    const [batch, patches] = pixelValues.shape
    const spatialShapes = idTensor(inputs.spatialShapes, 'spatialShapes', patches + 1, hint)
    const mask = idTensor(inputs.pixelAttentionMask, 'pixelAttentionMask', 2, hint)
    checkShape('spatialShapes', spatialShapes, [batch, 2])
    checkShape('pixelAttentionMask', mask, [batch, patches])
    const sides = { whole: false, least: 1, most: Infinity }
    checkValues(inputs.spatialShapes, 'spatialShapes', sides, 'at least one row and column of patches')
    const [rows, columns] = tf.split(tf.cast(spatialShapes, 'float32'), 2, 1)
    if (rows && columns) {
      const room = { whole: false, least: 0, most: patches }
      checkValues(tf.mul(rows, columns), 'spatialShapes', room, `at most ${patches} patches, the room in pixelValues`)
    }
    return { pixelValues, spatialShapes, mask }
  }

  private patches(input: TensorInput): tf.Tensor3D {
    const { numChannels, patchSize } = this.config
    const width = numChannels * patchSize ** 2
    const tensor = toTensor(input, 'pixelValues', 'float32')
    const [batch = 0, patches = 0, found]: readonly (number | undefined)[] = tensor.shape
    if (tensor.rank === 3 && found === width && batch > 0 && patches > 0) return tensor.as3D(batch, patches, width)
    throw new InputError('Invalid pixelValues', {
      expected: `[batch, patches, ${width}]`,
      found: `[${tensor.shape.join(', ')}]`,
      hint,
    })
  }

  inputsOf(tensors: readonly [tf.Tensor, tf.Tensor, tf.Tensor]): Siglip2VisionInputs {
    const [pixelValues, pixelAttentionMask, spatialShapes] = tensors
    return { pixelValues, pixelAttentionMask, spatialShapes }
  }

  override computeOutputShape([pixels = []]: tf.Shape[]): tf.Shape {
    const { hiddenSize, visionUseHead } = this.config
    const [batch = null, patches = null] = pixels
    return visionUseHead ? [batch, hiddenSize] : [batch, patches, hiddenSize]
  }
}

/** Where the image tower's inputs come from. */
const hint = 'Siglip2ImageProcessor makes them.'
