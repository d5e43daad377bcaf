import * as tf from '@tensorflow/tfjs'
import { Embedding } from './embedding.js'
import { lecunNormal, zeros } from './initializers.js'
import { interpolatePositions } from './interpolate-positions.js'
import { linear } from './linear.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions, type Parameter } from './parameter-scope.js'

/** What image embeddings need of a tower's configuration. */
export interface VisionEmbeddingsConfig {
  readonly hiddenSize: number
  readonly numChannels: number
  /** Side of the picture in pixels. */
  readonly imageSize: number
  /** Side of a patch in pixels; what a picture has beyond its last whole patch is left out. */
  readonly patchSize: number
}

/** A picture cut into patches, a vector for each plus a vector for its place. */
export class SiglipVisionEmbeddings extends Module {
  static readonly className = 'SiglipVisionEmbeddings'
  static {
    tf.serialization.registerClass(this)
  }

  private readonly config: VisionEmbeddingsConfig
  private readonly weight: Parameter
  private readonly bias: Parameter
  private readonly positionEmbedding: Embedding

  constructor(config: VisionEmbeddingsConfig, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    const { hiddenSize, numChannels, imageSize, patchSize } = config
    this.config = { hiddenSize, numChannels, imageSize, patchSize }
    this.weight = this.parameter('patch_embedding.weight', [hiddenSize, numChannels, patchSize, patchSize], lecunNormal)
    this.bias = this.parameter('patch_embedding.bias', [hiddenSize], zeros)
    this.positionEmbedding = this.part(
      new Embedding(
        { numEmbeddings: this.grid ** 2, embeddingDim: hiddenSize },
        { scope: this.scope.at('position_embedding') },
      ),
    )
  }

  /** Patches along one side. */
  private get grid(): number {
    return Math.floor(this.config.imageSize / this.config.patchSize)
  }

  /**
   * @param pixelValues `[batch, channels, height, width]`
   * @param interpolatePosEncoding fits the places to a picture of another size
   * @returns `[batch, patches, hidden]`
   */
  forward(pixelValues: tf.Tensor4D, interpolatePosEncoding = false): tf.Tensor3D {
    const [, , height, width] = pixelValues.shape
    const rows = Math.floor(height / this.config.patchSize)
    const columns = Math.floor(width / this.config.patchSize)
    const fits = rows === this.grid && columns === this.grid
    const table = this.positionEmbedding.table()
    return tf.add(
      this.patchEmbedding(pixelValues, rows, columns),
      interpolatePosEncoding && !fits ? interpolatePositions(table, this.grid, rows, columns) : table,
    )
  }

  /** torch's Conv2d whose stride is its window: a linear layer over each patch. `[batch, rows · columns, hidden]` */
  private patchEmbedding(pixelValues: tf.Tensor4D, rows: number, columns: number): tf.Tensor3D {
    const { hiddenSize, patchSize: side } = this.config
    const [batch, channels] = pixelValues.shape
    const whole = tf.slice(pixelValues, [0, 0, 0, 0], [batch, channels, rows * side, columns * side])
    const cut = tf.reshape(whole, [batch, channels, rows, side, columns, side])
    const patches: tf.Tensor3D = tf.reshape(tf.transpose(cut, [0, 2, 4, 1, 3, 5]), [
      batch,
      rows * columns,
      channels * side * side,
    ])
    return linear(patches, tf.reshape(this.weight.read(), [hiddenSize, channels * side * side]), this.bias.read())
  }

  protected infer([pixelValues]: readonly [tf.Tensor4D]): tf.Tensor {
    return this.forward(pixelValues)
  }

  override computeOutputShape([batch = null]: tf.Shape): tf.Shape {
    return [batch, this.grid ** 2, this.config.hiddenSize]
  }

  protected settings(): Json {
    return { ...this.config }
  }
}
