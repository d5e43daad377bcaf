/**
 * Images to pixel values: decoding, resizing with Pillow's arithmetic, and the image processors of SigLIP and SigLIP 2, which
 * {@link AutoImageProcessor} chooses between. Loads no TensorFlow.js.
 *
 * @example
 * ```ts
 * import { AutoImageProcessor } from 'siglip-tfjs/image'
 *
 * const imageProcessor = await AutoImageProcessor.fromPretrained('models/siglip-tiny')
 * const { pixelValues } = await imageProcessor.call('examples/pictures/chelsea.png')
 * ```
 *
 * @module
 */
export * from '../errors.js'
export type { NdArray } from '../nd-array.js'
export type { CheckpointFolder, CheckpointSource } from '../hub/checkpoint-folder.js'
export type { DownloadProgress, Fetch, FetchInit, HubOptions } from '../hub/hub-options.js'

export { decodeImage, type DecodeImageOptions } from '../image/decode/decode-image.js'
export type { ImageInput, ReadOptions } from '../image/decode/image-input.js'
export type { RawImage } from '../image/raw-image.js'
export type { RawPixels, Transparency } from '../image/decode/raw-pixels.js'
export type { ResizeMode } from '../image/resize/resize-mode.js'
export { Resampling } from '../image/resize/resampling.js'
export { resize, type ResizeBackend, type ResizeOptions } from '../image/resize/resize.js'
export type { Size, TargetSize } from '../image/resize/target-size.js'
export { AutoImageProcessor } from '../image/processors/auto-image-processor.js'
export {
  Siglip2ImageProcessor,
  type NaflexInputs,
  type Siglip2ImageProcessorConfig,
  type Siglip2ImageProcessorOptions,
} from '../image/processors/siglip2-image-processor.js'
export {
  SiglipImageProcessor,
  type PixelValues,
  type SiglipImageProcessorConfig,
  type SiglipImageProcessorOptions,
} from '../image/processors/siglip-image-processor.js'
