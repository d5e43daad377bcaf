import { ImageError } from '../../errors.js'
import type { Augmentation } from '../../image/augment/augmentation.js'
import type { ImageArrays, ImagePreparer } from '../../image/processors/image-preparer.js'
import { stacked } from '../../models/model-arrays.js'
import { prefetched } from '../../prefetched.js'
import { seedOf, uniformStream } from '../../random.js'
import { captionOf, type SampleBatch, type SeededSample } from './batches.js'
import type { BrokenSample } from './broken-sample.js'
import type { Sample } from './sample.js'

/** How batches are prepared. */
export interface PreparedBatchesOptions {
  /** Random augmentation of images. Default: none. */
  readonly augmentation?: Augmentation | undefined
  /**
   * The caption of a sample, e.g. a prompt with its label; `random` draws numbers from 0 to below 1, the same for a seed. Default:
   * one of its captions.
   */
  readonly caption?: ((sample: Sample, random: () => number) => string) | undefined
  /** Batches that are prepared while the caller computes with those before them. Default: 2. */
  readonly ahead?: number | undefined
  /**
   * Called with an image that can't be decoded, which the next one of its batch replaces. Default: throws.
   */
  readonly onLeftOut?: ((broken: BrokenSample) => void) | undefined
  /** Stops before the next batch, by its own reason. */
  readonly signal?: AbortSignal | undefined
}

/** A batch as a model and its tokenizer take it. */
export interface PreparedBatch extends SampleBatch {
  /** What the image tower takes, e.g. `pixelValues: [batch, 3, height, width]`. */
  readonly images: ImageArrays
  /** One for each image. */
  readonly captions: readonly string[]
}

/**
 * Reads and prepares the images of batches, ahead of their use and in the preparer's threads. The same batches give the same
 * numbers, however many threads there are.
 *
 * @throws what reading and preparing an image throws, when its batch comes; with `onLeftOut`, only if no image of it can be decoded
 * @example
 *     const batches = sampleBatches(await ImageFolder.open('images'), { batchSize: 32 })
 *     for await (const { images, captions, next } of preparedBatches(batches, imagePreparer(imageProcessor))) { … }
 */
export function preparedBatches(
  batches: AsyncIterable<SampleBatch>,
  preparer: ImagePreparer,
  { augmentation, caption, ahead = 2, signal, onLeftOut }: PreparedBatchesOptions = {},
): AsyncGenerator<PreparedBatch> {
  const said = (seeded: SeededSample): string =>
    caption ? caption(seeded.sample, uniformStream(seedOf(seeded.seed, 'caption'))) : captionOf(seeded)
  const imageOf = async (seeded: SeededSample): Promise<Image | ImageError> => {
    const { sample, seed } = seeded
    try {
      return { seeded, arrays: await preparer.prepare(await sample.open(), augmentation && { augmentation, seed }) }
    } catch (error) {
      if (!onLeftOut || !(error instanceof ImageError)) throw error
      onLeftOut({ where: sample.key, what: 'unreadable image', detail: error.found ?? '' })
      return error
    }
  }
  const prepare = async (batch: SampleBatch): Promise<PreparedBatch> => {
    const images = readable(await Promise.all(batch.samples.map(imageOf)))
    const samples = images.map(({ seeded }) => seeded)
    return { ...batch, samples, images: stacked(images.map(({ arrays }) => arrays)), captions: samples.map(said) }
  }
  return prefetched(batches, prepare, { ahead, signal })
}

interface Image {
  readonly seeded: SeededSample
  readonly arrays: ImageArrays
}

/** Puts the next one that could be read in the place of each that couldn't. @throws what the first threw, if none could */
function readable(images: readonly (Image | ImageError)[]): readonly Image[] {
  const first = images.find((image): image is Image => !(image instanceof ImageError))
  if (!first) {
    const [failed] = images
    if (failed instanceof ImageError) throw failed
    return []
  }
  let next: Image = first // what the last ones take
  return images
    .toReversed()
    .map((image) => (next = image instanceof ImageError ? next : image))
    .reverse()
}
