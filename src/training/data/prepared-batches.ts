import type { Augmentation } from '../../image/augmentation.js'
import type { ImageArrays, PicturePreparer } from '../../image/picture-preparer.js'
import { stacked } from '../../models/model-arrays.js'
import { prefetched } from '../../prefetched.js'
import { seedOf, uniformStream } from '../../random.js'
import { captionOf, type SampleBatch, type SeededSample } from './batches.js'
import type { Sample } from './sample.js'

/** How batches are prepared. */
export interface PreparedBatchesOptions {
  /** How pictures are changed at random. Default: not at all. */
  readonly augmentation?: Augmentation | undefined
  /**
   * What is said of a sample, e.g. a prompt with its label; `random` draws numbers from 0 to below 1, the same for a seed. Default:
   * one of its captions.
   */
  readonly caption?: ((sample: Sample, random: () => number) => string) | undefined
  /** Batches that are prepared while the caller computes with those before them. Default: 2. */
  readonly ahead?: number | undefined
  /** Stops before the next batch, by its own reason. */
  readonly signal?: AbortSignal | undefined
}

/** A batch as a model and its tokenizer take it. */
export interface PreparedBatch extends SampleBatch {
  /** What the image tower takes, e.g. `pixelValues: [batch, 3, height, width]`. */
  readonly images: ImageArrays
  /** One for each picture. */
  readonly captions: readonly string[]
}

/**
 * Reads and prepares the pictures of batches, ahead of their use and in the preparer's threads. The same batches give the same
 * numbers, however many threads there are.
 *
 * @throws what reading and preparing a picture throws, when its batch comes
 * @example
 *     const batches = sampleBatches(await ImageFolder.open('pictures'), { batchSize: 32 })
 *     for await (const { images, captions, next } of preparedBatches(batches, picturePreparer(imageProcessor))) { … }
 */
export function preparedBatches(
  batches: AsyncIterable<SampleBatch>,
  preparer: PicturePreparer,
  { augmentation, caption, ahead = 2, signal }: PreparedBatchesOptions = {},
): AsyncGenerator<PreparedBatch> {
  const said = (seeded: SeededSample): string =>
    caption ? caption(seeded.sample, uniformStream(seedOf(seeded.seed, 'caption'))) : captionOf(seeded)
  const prepare = async (batch: SampleBatch): Promise<PreparedBatch> => {
    const pictures = batch.samples.map(async ({ sample, seed }) =>
      preparer.prepare(await sample.open(), augmentation && { augmentation, seed }),
    )
    return { ...batch, images: stacked(await Promise.all(pictures)), captions: batch.samples.map(said) }
  }
  return prefetched(batches, prepare, { ahead, signal })
}
