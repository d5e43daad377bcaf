import * as tf from '@tensorflow/tfjs'
import { picturePreparer } from '#picture-preparer'
import type { ImageInput } from '../image/image-input.js'
import type { ImageProcessor, PicturePreparer } from '../image/picture-preparer.js'
import { unitLength, type TwoTowerModel } from '../models/two-tower-model.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import { stacked } from '../models/model-arrays.js'
import { runBatches, type RunOptions } from './run-batches.js'
import { asTrained, textArrays } from './text-arrays.js'

export interface EmbedOptions extends RunOptions {
  /** Divides each embedding by its length, so that products are cosines. Default: false. */
  readonly normalize?: boolean | undefined
}

/**
 * Text embeddings, the texts padded and cut to as many tokens as the model has positions. One tensor a batch, `[texts, width]`,
 * the caller's to dispose.
 */
export async function* embedTexts(
  model: TwoTowerModel,
  { tokenizer }: { readonly tokenizer: PreTrainedTokenizer },
  texts: Iterable<string> | AsyncIterable<string>,
  { normalize = false, ...run }: EmbedOptions = {},
): AsyncGenerator<tf.Tensor2D> {
  const options = asTrained(model.config.textConfig.maxPositionEmbeddings)
  yield* runBatches(
    texts,
    (text) => textArrays(tokenizer, text, options),
    (batch) => tf.tidy(() => scaled(model.getTextFeatures(stacked(batch)).poolerOutput, normalize)),
    run,
  )
}

/**
 * Image embeddings; while the model computes, the next pictures are decoded and resized in threads of their own. One tensor a batch,
 * `[images, width]`, the caller's to dispose.
 */
export async function* embedImages(
  model: TwoTowerModel,
  { imageProcessor }: { readonly imageProcessor: ImageProcessor },
  images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
  options: EmbedOptions = {},
): AsyncGenerator<tf.Tensor2D> {
  const preparer = picturePreparer(imageProcessor)
  try {
    yield* embedPrepared(model, preparer, images, options)
  } finally {
    preparer.dispose()
  }
}

/** {@link embedImages} with threads that run already. */
export function embedPrepared(
  model: TwoTowerModel,
  preparer: PicturePreparer,
  images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
  { normalize = false, ...run }: EmbedOptions,
): AsyncGenerator<tf.Tensor2D> {
  return runBatches(
    images,
    (image) => preparer.prepare(image),
    (batch) => tf.tidy(() => scaled(model.getImageFeatures(stacked(batch)).poolerOutput, normalize)),
    run,
  )
}

/** All batches in one tensor, the caller's to dispose. */
export async function concatenated(batches: AsyncIterable<tf.Tensor2D>): Promise<tf.Tensor2D> {
  const parts: tf.Tensor2D[] = []
  try {
    for await (const batch of batches) parts.push(batch)
    return tf.concat2d(parts, 0)
  } finally {
    tf.dispose(parts)
  }
}

const scaled = (embeds: tf.Tensor2D, normalize: boolean): tf.Tensor2D => (normalize ? unitLength(embeds) : embeds)
