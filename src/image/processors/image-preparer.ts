import type { NdArray } from '../../nd-array.js'
import { augment } from '../augment/augment.js'
import { checkAugmentation, type Augmentation } from '../augment/augmentation.js'
import { decodePixels } from '../decode/decode-image.js'
import type { ImageInput } from '../decode/image-input.js'
import { limitCalls } from '../../io/limit-calls.js'
import type { RawImage } from '../raw-image.js'
import type { ResizeOptions } from '../resize/resize.js'
import type { NaflexInputs } from './siglip2-image-processor.js'
import { SiglipImageProcessor, type PixelValues } from './siglip-image-processor.js'

/** What an image tower takes: arrays by their names, the first side of each being the batch. */
export type ImageArrays = Readonly<Record<string, NdArray>>

/** The part of an image processor that preparing needs. */
export interface ImageProcessor {
  call(image: ImageInput): Promise<PixelValues | NaflexInputs>
  preprocess(image: RawImage): PixelValues | NaflexInputs
  toFiles(): ReadonlyMap<string, Uint8Array>
}

/** How an image is changed at random before it is prepared. */
export interface Augmented {
  readonly augmentation: Augmentation
  /** The same seed changes an image the same way. */
  readonly seed: number
}

/** Reads, decodes and resizes images one by one; many may be under way. */
export interface ImagePreparer {
  /**
   * @param augmented how it is changed. Default: not at all.
   * @returns a batch of one
   * @throws as the image processor does, wherever it runs; InputError for an augmentation that is none
   */
  prepare(image: ImageInput, augmented?: Augmented): Promise<ImageArrays>
  /** Ends its threads. */
  dispose(): void
}

/** How many images are decoded at a time in a thread: while one is read or decoded, another is resized. */
const AT_ONCE = 2

/** Prepares images in this thread. */
export function preparerHere(processor: Omit<ImageProcessor, 'toFiles'>): ImagePreparer {
  const target = resizedTo(processor)
  const prepare = limitCalls(AT_ONCE, async (image: ImageInput, augmented?: Augmented): Promise<ImageArrays> => {
    if (!augmented) return { ...(await processor.call(image)) }
    const augmentation = checkAugmentation(augmented.augmentation)
    return { ...processor.preprocess(augment(await decodePixels(image), augmentation, augmented.seed, target)) }
  })
  return { prepare, dispose: () => undefined }
}

/** How the processor would resize any image, so that one is changed at that size already: there are fewer pixels to change. */
function resizedTo(processor: object): ResizeOptions | undefined {
  if (!(processor instanceof SiglipImageProcessor)) return undefined
  const { doResize, size, resample, backend } = processor.config
  return doResize && 'height' in size ? { ...size, resample, backend } : undefined
}
