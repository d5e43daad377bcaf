import * as tf from '@tensorflow/tfjs'
import { Embedding } from './embedding.js'
import { Linear } from './linear.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions } from './parameter-scope.js'

/** What NaFlex's image embeddings need of a tower's configuration. */
export interface Siglip2VisionEmbeddingsConfig {
  readonly hiddenSize: number
  readonly numChannels: number
  /** Side of a patch in pixels. */
  readonly patchSize: number
  /** Of the square grid that the position embeddings were trained for. */
  readonly numPatches: number
}

/** A vector for each patch plus a vector for its place, the square of trained places being resized to each picture's own grid. */
export class Siglip2VisionEmbeddings extends Module {
  static readonly className = 'Siglip2VisionEmbeddings'
  static {
    tf.serialization.registerClass(this)
  }

  private readonly config: Siglip2VisionEmbeddingsConfig
  private readonly patchEmbedding: Linear
  private readonly positionEmbedding: Embedding

  constructor(config: Siglip2VisionEmbeddingsConfig, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    const { hiddenSize, numChannels, patchSize, numPatches } = config
    this.config = { hiddenSize, numChannels, patchSize, numPatches }
    const inFeatures = numChannels * patchSize ** 2
    this.patchEmbedding = this.part(
      new Linear({ inFeatures, outFeatures: hiddenSize }, { scope: this.scope.at('patch_embedding') }),
    )
    this.positionEmbedding = this.part(
      new Embedding(
        { numEmbeddings: numPatches, embeddingDim: hiddenSize },
        { scope: this.scope.at('position_embedding') },
      ),
    )
  }

  /**
   * @param pixelValues `[batch, patches, channels · patchSize²]`
   * @param spatialShapes int32 `[batch, 2]`: each picture's rows and columns of patches
   * @returns `[batch, patches, hidden]`
   */
  forward(pixelValues: tf.Tensor3D, spatialShapes: tf.Tensor2D): tf.Tensor3D {
    const [, patches] = pixelValues.shape
    const positions = resizedPositions(this.positionEmbedding.table(), spatialShapes, patches)
    return tf.add(this.patchEmbedding.forward(pixelValues), positions)
  }

  protected infer([pixelValues, spatialShapes]: readonly [tf.Tensor3D, tf.Tensor2D]): tf.Tensor {
    return this.forward(pixelValues, spatialShapes)
  }

  override computeOutputShape([pixels = []]: tf.Shape[]): tf.Shape {
    return [...pixels.slice(0, -1), this.config.hiddenSize]
  }

  protected settings(): Json {
    return { ...this.config }
  }
}

/**
 * The trained places, a square, resized to each picture's own grid.
 *
 * Source: `Siglip2VisionEmbeddings.resize_positional_embeddings` of transformers from version 5.24 on. Earlier versions give every
 * patch of a picture that is one patch wide the first one's place.
 *
 * @param table `[grid · grid, hidden]`
 * @param spatialShapes int32 `[batch, 2]`
 * @returns `[batch, patches, hidden]`
 */
function resizedPositions(table: tf.Tensor2D, spatialShapes: tf.Tensor2D, patches: number): tf.Tensor3D {
  const [batch] = spatialShapes.shape
  const [places, hidden] = table.shape
  const grid = Math.sqrt(places)
  const [rows, columns] = tf.split(tf.cast(spatialShapes, 'float32'), 2, 1) as [tf.Tensor2D, tf.Tensor2D] // [batch, 1]
  const patch = tf.range(0, patches).as2D(1, patches)
  const isOfPicture = tf.cast(tf.less(patch, tf.mul(rows, columns)), 'float32') // [batch, patches]
  const row: tf.Tensor2D = tf.mul(tf.floor(tf.div(patch, columns)), isOfPicture)
  const column: tf.Tensor2D = tf.mul(tf.sub(patch, tf.mul(row, columns)), isOfPicture)

  const down = sharesOfPlaces(row, rows, grid).as4D(batch, patches, grid, 1)
  const across = sharesOfPlaces(column, columns, grid).as4D(batch, patches, 1, grid)
  const shares = tf.mul(down, across).as2D(batch * patches, places)
  return tf.matMul(shares, table).as3D(batch, patches, hidden)
}

/**
 * The share of each trained place along one axis in each patch's place: the weights of `torch.nn.functional.interpolate(mode=
 * 'bilinear', antialias=True, align_corners=False)`.
 *
 * @param place of each patch along the axis, `[batch, patches]`; those beyond the picture stand at the first, where the mask hides them
 * @param size of each picture along the axis, `[batch, 1]`
 * @returns `[batch, patches, grid]`
 */
function sharesOfPlaces(place: tf.Tensor2D, size: tf.Tensor2D, grid: number): tf.Tensor3D {
  const [batch, patches] = place.shape
  const scale = tf.div(grid, size) // trained places for each of the picture's
  const centre = tf.sub(tf.mul(tf.add(place, 0.5), scale), 0.5).as3D(batch, patches, 1)
  const distance = tf.abs(tf.sub(tf.range(0, grid).as3D(1, 1, grid), centre))
  const shares = tf.relu(tf.sub(1, tf.div(distance, tf.maximum(scale, 1).as3D(batch, 1, 1))))
  return tf.div(shares, tf.sum(shares, -1, true))
}
