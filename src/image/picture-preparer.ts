import type { NdArray } from '../nd-array.js'
import type { ImageInput } from './image-input.js'
import { limitCalls } from './limit-calls.js'
import type { NaflexInputs } from './siglip2-image-processor.js'
import type { PixelValues } from './siglip-image-processor.js'

/** What an image tower takes: arrays by their names, the first side of each being the batch. */
export type ImageArrays = Readonly<Record<string, NdArray>>

/** What is needed of an image processor. */
export interface ImageProcessor {
  call(image: ImageInput): Promise<PixelValues | NaflexInputs>
  toFiles(): ReadonlyMap<string, Uint8Array>
}

/** Reads, decodes and resizes pictures one by one; many may be under way. */
export interface PicturePreparer {
  /**
   * @returns a batch of one
   * @throws as the image processor does, wherever it runs
   */
  prepare(image: ImageInput): Promise<ImageArrays>
  /** Ends its threads. */
  dispose(): void
}

/** How many pictures are decoded at a time in a thread: while one is read or decoded, another is resized. */
const AT_ONCE = 2

/** Prepares pictures in this thread. */
export function preparerHere(processor: Pick<ImageProcessor, 'call'>): PicturePreparer {
  const prepare = limitCalls(AT_ONCE, async (image: ImageInput): Promise<ImageArrays> => {
    return { ...(await processor.call(image)) }
  })
  return { prepare, dispose: () => undefined }
}
