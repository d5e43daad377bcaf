import * as tf from '@tensorflow/tfjs'
import { embeddingNormal } from './initializers.js'
import { Module } from './module.js'

/** Sizes of an {@link Embedding}. */
export type EmbeddingSettings = Readonly<Record<'numEmbeddings' | 'embeddingDim', number>>

/** A table of vectors, looked up by index. */
export class Embedding extends Module<EmbeddingSettings> {
  static readonly className = 'SiglipEmbedding'

  private readonly shape = [this.config.numEmbeddings, this.config.embeddingDim] as const
  private readonly weight = this.parameter('weight', this.shape, embeddingNormal)

  /** The whole table, `[numEmbeddings, embeddingDim]`. */
  table(): tf.Tensor2D {
    return this.weight.read().as2D(...this.shape)
  }

  /** int32 `[…]` → `[…, embeddingDim]` */
  forward(ids: tf.Tensor): tf.Tensor {
    return tf.gather(this.weight.read(), tf.cast(ids, 'int32'))
  }

  protected infer([ids]: readonly [tf.Tensor]): tf.Tensor {
    return this.forward(ids)
  }

  override computeOutputShape(inputShape: tf.Shape): tf.Shape {
    return [...inputShape, this.config.embeddingDim]
  }
}

tf.serialization.registerClass(Embedding)

/**
 * Position embeddings for another grid, as `torch.nn.functional.interpolate(mode='bicubic', align_corners=False)` makes them:
 * Keys' cubic with a = −0.75, borders repeated. Written as two products, so that the gradient reaches the table.
 * `[grid · grid, hidden]`, row by row → `[rows · columns, hidden]`
 */
export function interpolatePositions(table: tf.Tensor2D, grid: number, rows: number, columns: number): tf.Tensor2D {
  const [, hidden] = table.shape
  const down = tf.matMul(bicubicMatrix(grid, rows), tf.reshape(table, [grid, grid * hidden])) // [rows, grid · hidden]
  const across = tf.reshape(tf.transpose(tf.reshape(down, [rows, grid, hidden]), [1, 0, 2]), [grid, rows * hidden])
  const both = tf.reshape(tf.matMul(bicubicMatrix(grid, columns), across), [columns, rows, hidden])
  return tf.reshape(tf.transpose(both, [1, 0, 2]), [rows * columns, hidden])
}

/** The share of each of `from` positions in each of `to` positions, `[to, from]`. */
function bicubicMatrix(from: number, to: number): tf.Tensor2D {
  const matrix = new Float32Array(to * from)
  for (let i = 0; i < to; i++) {
    const centre = ((i + 0.5) * from) / to - 0.5
    const first = Math.floor(centre)
    for (let tap = first - 1; tap <= first + 2; tap++) {
      const index = i * from + Math.min(Math.max(tap, 0), from - 1)
      matrix[index] = (matrix[index] ?? 0) + keysCubic(Math.abs(centre - tap))
    }
  }
  return tf.tensor2d(matrix, [to, from])
}

function keysCubic(x: number, a = -0.75): number {
  return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
}
