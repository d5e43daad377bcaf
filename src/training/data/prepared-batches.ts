import { ImageError } from '../../errors.js'
import type { Augmentation } from '../../image/augment/augmentation.js'
import type { ImageArrays, PicturePreparer } from '../../image/processors/image-preparer.js'
import { stacked } from '../../models/model-arrays.js'
import { prefetched } from '../../prefetched.js'
import { seedOf, uniformStream } from '../../random.js'
import { captionOf, type SampleBatch, type SeededSample } from './batches.js'
import type { BrokenSample } from './broken-sample.js'
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
  /**
   * Told of a picture that can't be decoded, in whose place the next one of its batch is taken. Default: then it throws.
   */
  readonly onLeftOut?: ((broken: BrokenSample) => void) | undefined
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
 * @throws what reading and preparing a picture throws, when its batch comes; with `onLeftOut`, only if no picture of it can be decoded
 * @example
 *     const batches = sampleBatches(await ImageFolder.open('pictures'), { batchSize: 32 })
 *     for await (const { images, captions, next } of preparedBatches(batches, picturePreparer(imageProcessor))) { … }
 */
export function preparedBatches(
  batches: AsyncIterable<SampleBatch>,
  preparer: PicturePreparer,
  { augmentation, caption, ahead = 2, signal, onLeftOut }: PreparedBatchesOptions = {},
): AsyncGenerator<PreparedBatch> {
  const said = (seeded: SeededSample): string =>
    caption ? caption(seeded.sample, uniformStream(seedOf(seeded.seed, 'caption'))) : captionOf(seeded)
  const pictureOf = async (seeded: SeededSample): Promise<Picture | ImageError> => {
    const { sample, seed } = seeded
    try {
      return { seeded, arrays: await preparer.prepare(await sample.open(), augmentation && { augmentation, seed }) }
    } catch (error) {
      if (!onLeftOut || !(error instanceof ImageError)) throw error
      onLeftOut({ where: sample.key, what: 'unreadable picture', detail: error.found ?? '' })
      return error
    }
  }
  const prepare = async (batch: SampleBatch): Promise<PreparedBatch> => {
    const pictures = readable(await Promise.all(batch.samples.map(pictureOf)))
    const samples = pictures.map(({ seeded }) => seeded)
    return { ...batch, samples, images: stacked(pictures.map(({ arrays }) => arrays)), captions: samples.map(said) }
  }
  return prefetched(batches, prepare, { ahead, signal })
}

interface Picture {
  readonly seeded: SeededSample
  readonly arrays: ImageArrays
}

/** Puts the next one that could be read in the place of each that couldn't. @throws what the first threw, if none could */
function readable(pictures: readonly (Picture | ImageError)[]): readonly Picture[] {
  const first = pictures.find((picture): picture is Picture => !(picture instanceof ImageError))
  if (!first) {
    const [failed] = pictures
    if (failed instanceof ImageError) throw failed
    return []
  }
  let next: Picture = first // what the last ones take
  return pictures
    .toReversed()
    .map((picture) => (next = picture instanceof ImageError ? next : picture))
    .reverse()
}
