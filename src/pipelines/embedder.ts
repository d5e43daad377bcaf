import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import type { ImageInput } from '../image/image-input.js'
import type { SiglipModel } from '../models/siglip-model.js'
import { unitLength } from '../models/two-tower-model.js'
import type { SiglipProcessor } from '../processor/siglip-processor.js'
import { inBatches, prefetched } from './prefetched.js'

export interface EmbedOptions {
  /** Divides each embedding by its length, so that products are cosines. Default: false. */
  readonly normalize?: boolean | undefined
  /** Texts or pictures that go through the model at once. Default: 8. */
  readonly batchSize?: number | undefined
  /** Stops between two batches. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Text embeddings, the texts padded and cut to as many tokens as the model has positions. One tensor a batch, `[texts, width]`,
 * the caller's to dispose.
 */
export async function* embedTexts(
  model: SiglipModel,
  processor: SiglipProcessor,
  texts: readonly string[],
  { normalize = false, batchSize = 8, signal }: EmbedOptions = {},
): AsyncGenerator<tf.Tensor2D> {
  const maxLength = model.config.textConfig.maxPositionEmbeddings
  const tokenize = (batch: string[]) =>
    processor.call({ text: batch }, { padding: 'max_length', truncation: true, maxLength })
  for await (const encoding of prefetched(inBatches(texts, checked(batchSize)), tokenize, signal)) {
    yield tf.tidy(() => scaled(model.getTextFeatures(encoding).poolerOutput, normalize))
  }
}

/**
 * Image embeddings; while the model computes one batch, the next one is decoded. One tensor a batch, `[images, width]`, the
 * caller's to dispose.
 */
export async function* embedImages(
  model: SiglipModel,
  processor: SiglipProcessor,
  images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
  { normalize = false, batchSize = 8, signal }: EmbedOptions = {},
): AsyncGenerator<tf.Tensor2D> {
  const decode = (batch: ImageInput[]) => processor.call({ images: batch })
  for await (const inputs of prefetched(inBatches(images, checked(batchSize)), decode, signal)) {
    yield tf.tidy(() => scaled(model.getImageFeatures(inputs).poolerOutput, normalize))
  }
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

function checked(batchSize: number): number {
  if (Number.isInteger(batchSize) && batchSize > 0) return batchSize
  throw new InputError('bad batchSize', { expected: 'a whole number from 1', found: String(batchSize) })
}
