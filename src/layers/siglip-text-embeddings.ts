import * as tf from '@tensorflow/tfjs'
import { Embedding } from './embedding.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions } from './parameter-scope.js'

/** What text embeddings need of a tower's configuration. */
export interface TextEmbeddingsConfig {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly maxPositionEmbeddings: number
}

/** A vector for each token plus a vector for its place. */
export class SiglipTextEmbeddings extends Module {
  static readonly className = 'SiglipTextEmbeddings'
  static {
    tf.serialization.registerClass(this)
  }

  private readonly config: TextEmbeddingsConfig
  private readonly tokenEmbedding: Embedding
  private readonly positionEmbedding: Embedding

  constructor(config: TextEmbeddingsConfig, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    const { vocabSize, hiddenSize: embeddingDim, maxPositionEmbeddings } = config
    this.config = { vocabSize, hiddenSize: embeddingDim, maxPositionEmbeddings }
    this.tokenEmbedding = this.part(
      new Embedding({ numEmbeddings: vocabSize, embeddingDim }, { scope: this.scope.at('token_embedding') }),
    )
    this.positionEmbedding = this.part(
      new Embedding(
        { numEmbeddings: maxPositionEmbeddings, embeddingDim },
        { scope: this.scope.at('position_embedding') },
      ),
    )
  }

  /** int32 `[batch, length]`, and places of the same shape or `[1, length]` (default: 0, 1, 2 …) → `[batch, length, hidden]` */
  forward(inputIds: tf.Tensor2D, positionIds?: tf.Tensor2D): tf.Tensor3D {
    const [, length] = inputIds.shape
    const positions = positionIds
      ? this.positionEmbedding.forward(positionIds)
      : tf.slice(this.positionEmbedding.table(), [0, 0], [length, this.config.hiddenSize])
    return tf.add(this.tokenEmbedding.forward(inputIds), positions)
  }

  protected infer([inputIds]: readonly [tf.Tensor2D]): tf.Tensor {
    return this.forward(inputIds)
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return [...inputShape, this.config.hiddenSize]
  }

  protected settings(): Json {
    return { ...this.config }
  }
}
