import * as tf from '@tensorflow/tfjs'
import { embeddingNormal, type Initializer } from './initializers.js'
import { Module, type Json } from './module.js'
import { ParameterScope, type LayerOptions, type Parameter } from './parameter-scope.js'

export interface EmbeddingSettings {
  readonly numEmbeddings: number
  readonly embeddingDim: number
  /** Default: normal with deviation √(1 / embeddingDim). */
  readonly weight?: Initializer
}

/** A table of vectors, looked up by index. */
export class Embedding extends Module {
  static readonly className = 'SiglipEmbedding'
  static {
    tf.serialization.registerClass(this)
  }

  readonly numEmbeddings: number
  readonly embeddingDim: number
  private readonly weight: Parameter

  constructor(settings: EmbeddingSettings, { scope = ParameterScope.random(), name }: LayerOptions = {}) {
    super(scope, name)
    this.numEmbeddings = settings.numEmbeddings
    this.embeddingDim = settings.embeddingDim
    this.weight = this.parameter('weight', [this.numEmbeddings, this.embeddingDim], settings.weight ?? embeddingNormal)
  }

  /** The whole table, `[numEmbeddings, embeddingDim]`. */
  table(): tf.Tensor2D {
    return this.weight.read().as2D(this.numEmbeddings, this.embeddingDim)
  }

  /** int32 `[…]` → `[…, embeddingDim]` */
  forward(ids: tf.Tensor): tf.Tensor {
    return tf.gather(this.weight.read(), tf.cast(ids, 'int32'))
  }

  protected infer([ids]: readonly [tf.Tensor]): tf.Tensor {
    return this.forward(ids)
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return [...inputShape, this.embeddingDim]
  }

  protected settings(): Json {
    return { numEmbeddings: this.numEmbeddings, embeddingDim: this.embeddingDim }
  }
}
