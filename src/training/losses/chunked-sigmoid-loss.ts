import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import type { LossInputs } from './sigmoid-loss.js'

/** How the pairs of a batch are processed. */
export interface ChunkOptions {
  /** Images and texts of a block. Its memory is some five times 4 · chunkSize² bytes. Default: 2048. */
  readonly chunkSize?: number | undefined
  /**
   * Which image the first text belongs to, the others following. With a neighbour's texts, which belong to none of these images, a
   * number from `images` on. Default: 0.
   */
  readonly offset?: number | undefined
}

/**
 * `sigmoidLoss` block by block, with memory linear in the batch: no matrix of all pairs is ever made. The gradients are computed
 * in the same pass, so that each block's logits are needed once, and are kept instead of the blocks.
 *
 * Across processes, each has some images and their texts; the texts go round, and the losses and gradients of `chunkedSigmoidLoss`
 * with every neighbour's texts are summed.
 * Source: Zhai et al. 2023, section 3.3 "Efficient 'chunked' implementation" and figure 1.
 *
 * @throws {InputError} for a chunk size below 1, and for another number of texts than of images
 */
export function chunkedSigmoidLoss(inputs: LossInputs & ChunkOptions): tf.Scalar {
  const { imageEmbeds, textEmbeds, logitScale, logitBias, chunkSize = 2048, offset = 0 } = inputs
  if (!Number.isInteger(chunkSize) || chunkSize < 1) {
    throw new InputError('Invalid chunkSize', { expected: 'a whole number from 1', found: String(chunkSize) })
  }
  if (String(imageEmbeds.shape) !== String(textEmbeds.shape)) {
    const [expected, found] = [imageEmbeds, textEmbeds].map(({ shape }) => `[${shape.join(', ')}]`)
    throw new InputError('Invalid textEmbeds', {
      expected: `textEmbeds of the images' shape, ${expected ?? ''}`,
      found,
    })
  }
  const wanted = tf.engine().isTapeOn() // else no gradients are needed, which are two thirds of the work
  const loss = tf.customGrad((...given) => {
    const { value, gradients } = blockByBlock(
      { imageEmbeds, textEmbeds, logitScale, logitBias },
      chunkSize,
      offset,
      wanted,
    )
    const save = given.at(-1)
    if (typeof save === 'function') save(gradients)
    return { value, gradFunc: (dy: tf.Scalar, saved) => saved.map((gradient) => tf.mul(gradient, dy)) }
  })
  return loss(imageEmbeds, textEmbeds, logitScale, logitBias)
}

interface Result {
  readonly value: tf.Scalar
  /** By images, texts, scale and bias. */
  readonly gradients: tf.Tensor[]
}

function blockByBlock(inputs: LossInputs, size: number, offset: number, wanted: boolean): Result {
  const { imageEmbeds, textEmbeds, logitScale, logitBias } = inputs
  const [batch, width] = imageEmbeds.shape
  const starts = Array.from({ length: Math.ceil(batch / size) }, (_, i) => i * size)
  const chunkOf = (x: tf.Tensor2D, start: number): tf.Tensor2D =>
    tf.slice(x, [start, 0], [Math.min(size, batch - start), width])

  const scale: tf.Scalar = tf.exp(logitScale).asScalar()
  const total = new RunningSum()
  const bias = new RunningSum()
  const byTexts = starts.map(() => new RunningSum())
  const byImages = starts.map((row) => {
    const byImage = new RunningSum()
    const images = tf.tidy(() => tf.mul<tf.Tensor2D>(chunkOf(imageEmbeds, row), scale)) // [rows, width]
    for (const [i, column] of starts.entries()) {
      const [loss, ...gradients]: tf.Tensor[] = tf.tidy((): tf.Tensor[] => {
        const texts = chunkOf(textEmbeds, column) // [columns, width]
        const logits: tf.Tensor2D = tf.add(tf.matMul(images, texts, false, true), logitBias) // [rows, columns]
        const { losses, slopes } = pairwise(logits, column + offset - row)
        if (!wanted) return [tf.sum(losses)]
        return [tf.sum(losses), tf.matMul(slopes, texts), tf.matMul(slopes, images, true), tf.sum(slopes)]
      })
      total.add(loss)
      byImage.add(gradients[0])
      byTexts[i]?.add(gradients[1])
      bias.add(gradients[2])
    }
    images.dispose()
    return byImage
  })

  const value = tf.div<tf.Scalar>(total.value(), batch)
  if (!wanted) return { value, gradients: [] }
  const stacked = (sums: readonly RunningSum[], factor: tf.Tensor | number): tf.Tensor =>
    tf.concat(sums.map((sum) => sum.scaled(factor)))
  const dImages = stacked(byImages, tf.div(scale, batch))
  const dTexts = stacked(byTexts, 1 / batch)
  // By the scale's logarithm: Σ slopes · scale · cosines, summed by rows already.
  const dScale = tf.tidy(() => tf.reshape(tf.sum(tf.mul(imageEmbeds, dImages)), logitScale.shape))
  const dBias = tf.reshape(tf.div(bias.value(), batch), logitBias.shape)
  return { value, gradients: [dImages, dTexts, dScale, dBias] }
}

/**
 * softplus(∓logits) and its slope, with − where the text belongs to the image: where the row is the column plus `diagonal`.
 *
 * @param logits `[rows, columns]`
 */
function pairwise(
  logits: tf.Tensor2D,
  diagonal: number,
): { readonly losses: tf.Tensor2D; readonly slopes: tf.Tensor2D } {
  const [rows, columns] = logits.shape
  if (diagonal >= rows || diagonal <= -columns) return { losses: tf.softplus(logits), slopes: tf.sigmoid(logits) }
  const belongs = tf.equal(tf.range(0, rows).as2D(rows, 1), tf.range(diagonal, diagonal + columns).as2D(1, columns))
  const signs = tf.sub<tf.Tensor2D>(1, tf.mul(2, tf.cast(belongs, 'float32')))
  const signed: tf.Tensor2D = tf.mul(signs, logits)
  return { losses: tf.softplus(signed), slopes: tf.mul(signs, tf.sigmoid(signed)) }
}

/** A sum that holds one tensor at a time. */
class RunningSum {
  #sum: tf.Tensor | undefined

  /** Takes the tensor over. */
  add(part: tf.Tensor | undefined): void {
    if (!part) return
    const before = this.#sum
    this.#sum = before ? tf.add(before, part) : part
    if (before) tf.dispose([before, part])
  }

  value(): tf.Tensor {
    return this.#sum ?? tf.scalar(0)
  }

  /** The sum times a factor; it is empty afterwards. */
  scaled(factor: tf.Tensor | number): tf.Tensor {
    const sum = this.value()
    const scaled = tf.mul(sum, factor)
    sum.dispose()
    this.#sum = undefined
    return scaled
  }
}
