import * as tf from '@tensorflow/tfjs'

/**
 * Position embeddings for another grid, as `torch.nn.functional.interpolate(mode='bicubic', align_corners=False)` makes them:
 * Keys' cubic with a = −0.75, borders repeated. Written as two products, so that the gradient reaches the table.
 *
 * @param table `[grid · grid, hidden]`, row by row
 * @returns `[rows · columns, hidden]`
 */
export function interpolatePositions(table: tf.Tensor2D, grid: number, rows: number, columns: number): tf.Tensor2D {
  const [, hidden] = table.shape
  const down = tf.matMul(bicubicMatrix(grid, rows), tf.reshape(table, [grid, grid * hidden])) // [rows, grid · hidden]
  const across = tf.reshape(tf.transpose(tf.reshape(down, [rows, grid, hidden]), [1, 0, 2]), [grid, rows * hidden])
  const both = tf.reshape(tf.matMul(bicubicMatrix(grid, columns), across), [columns, rows, hidden])
  return tf.reshape(tf.transpose(both, [1, 0, 2]), [rows * columns, hidden])
}

/** The share of each of `from` places in each of `to` places, `[to, from]`. */
function bicubicMatrix(from: number, to: number): tf.Tensor2D {
  const matrix = new Float32Array(to * from)
  for (let i = 0; i < to; i++) {
    const centre = ((i + 0.5) * from) / to - 0.5
    const first = Math.floor(centre)
    for (let tap = first - 1; tap <= first + 2; tap++) {
      const place = i * from + Math.min(Math.max(tap, 0), from - 1)
      matrix[place] = (matrix[place] ?? 0) + keysCubic(Math.abs(centre - tap))
    }
  }
  return tf.tensor2d(matrix, [to, from])
}

function keysCubic(distance: number): number {
  const a = -0.75
  return distance <= 1
    ? ((a + 2) * distance - (a + 3)) * distance * distance + 1
    : ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
}
