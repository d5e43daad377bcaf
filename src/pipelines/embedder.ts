import * as tf from '@tensorflow/tfjs'
import { imagePreparer } from '#image-preparer'
import type { ImageInput } from '../image/decode/image-input.js'
import type { ImageProcessor, ImagePreparer } from '../image/processors/image-preparer.js'
import { unitLength, type TwoTowerModel } from '../models/siglip/modeling.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import { TruncationCount } from '../tokenizer/truncated-texts.js'
import { stacked, type Arrays } from '../models/model-arrays.js'
import { batchFunction, type BatchFunction, type ComputeOptions } from './batch-function.js'
import { runBatches, type RunOptions } from './run-batches.js'
import { asTrained, textArrays, type TextArrays } from './text-arrays.js'

export interface EmbedOptions extends RunOptions, ComputeOptions {
  /** Divides each embedding by its length, so that products are cosines. Default: false. */
  readonly normalize?: boolean | undefined
}

/**
 * Text embeddings of texts padded and truncated to the model's number of positions. One tensor a batch, `[texts, width]`,
 * the caller's to dispose.
 */
export async function* embedTexts(
  model: TwoTowerModel,
  { tokenizer }: { readonly tokenizer: PreTrainedTokenizer },
  texts: Iterable<string> | AsyncIterable<string>,
  options: EmbedOptions = {},
): AsyncGenerator<tf.Tensor2D> {
  const embed = textEmbedder(model, options)
  try {
    yield* embedTokenized(model, tokenizer, embed, texts, options)
  } finally {
    embed.dispose()
  }
}

/** {@link embedTexts} with a function that is made already. */
export async function* embedTokenized(
  model: TwoTowerModel,
  tokenizer: PreTrainedTokenizer,
  embed: BatchFunction<TextArrays>,
  texts: Iterable<string> | AsyncIterable<string>,
  run: RunOptions,
): AsyncGenerator<tf.Tensor2D> {
  const { maxPositionEmbeddings } = model.config.textConfig
  const truncated = new TruncationCount(tokenizer, maxPositionEmbeddings, run.onTruncated)
  const encoding = { ...asTrained(maxPositionEmbeddings), onTruncated: truncated.add }
  try {
    yield* runBatches(
      texts,
      (text) => textArrays(tokenizer, text, encoding),
      (batch) => embed(stacked(batch)),
      run,
    )
  } finally {
    truncated.end()
  }
}

/** Options of the function that embeds a batch. */
export type EmbedderOptions = ComputeOptions & Pick<EmbedOptions, 'normalize'>

/** Text embeddings of a batch. */
export function textEmbedder(
  model: TwoTowerModel,
  { normalize = false, ...options }: EmbedderOptions,
): BatchFunction<TextArrays> {
  return batchFunction((inputs) => scaled(model.getTextFeatures(inputs).poolerOutput, normalize), options)
}

/** Image embeddings of a batch. */
export function imageEmbedder(
  model: TwoTowerModel,
  { normalize = false, ...options }: EmbedderOptions,
): BatchFunction<Arrays> {
  return batchFunction((inputs) => scaled(model.getImageFeatures(inputs).poolerOutput, normalize), options)
}

/**
 * Image embeddings; while the model computes, the next images are decoded and resized in worker threads. One tensor a batch,
 * `[images, width]`, the caller's to dispose.
 */
export async function* embedImages(
  model: TwoTowerModel,
  { imageProcessor }: { readonly imageProcessor: ImageProcessor },
  images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
  options: EmbedOptions = {},
): AsyncGenerator<tf.Tensor2D> {
  const preparer = imagePreparer(imageProcessor)
  const embed = imageEmbedder(model, options)
  try {
    yield* embedPrepared(preparer, embed, images, options)
  } finally {
    embed.dispose()
    preparer.dispose()
  }
}

/** {@link embedImages} with threads that run already, and a function that is made already. */
export function embedPrepared(
  preparer: ImagePreparer,
  embed: BatchFunction<Arrays>,
  images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
  run: RunOptions,
): AsyncGenerator<tf.Tensor2D> {
  return runBatches(
    images,
    (image) => preparer.prepare(image),
    (batch) => embed(stacked(batch)),
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
