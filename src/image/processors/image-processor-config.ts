import type { FieldReader } from '../../io/field-reader.js'
import { readChannels, readFactor, readResample } from './option-values.js'
import type { ValueOptions } from './pixel-values.js'
import type { Resampling } from '../resize/resampling.js'
import type { ResizeBackend } from '../resize/resize.js'

/** The settings that all image processors have. */
export interface ImageProcessorConfig extends ValueOptions {
  /**
   * Whether files, `ImageData` and raw pixels with alpha are laid on white, as transformers' `convert_to_rgb` does. Otherwise
   * their alpha is ignored, as in transformers' `load_image`. The images are RGB either way.
   */
  readonly doConvertRgb: boolean
  readonly doResize: boolean
  /** The filter, by Pillow's number. */
  readonly resample: Resampling
  /**
   * Whose arithmetic (not `useBackend`'s): `'pillow'` is transformers' `…ImageProcessorPil`, `'torchvision'` the class without that ending. Not
   * written to files.
   */
  readonly backend: ResizeBackend
}

/** The shared settings of `options`, completed by `defaults`. */
export function readImageProcessorConfig(options: FieldReader, defaults: ImageProcessorConfig): ImageProcessorConfig {
  return {
    doConvertRgb: options.boolean('doConvertRgb', defaults.doConvertRgb),
    doResize: options.boolean('doResize', defaults.doResize),
    resample: readResample(options, 'resample', defaults.resample),
    doRescale: options.boolean('doRescale', defaults.doRescale),
    rescaleFactor: readFactor(options, 'rescaleFactor', defaults.rescaleFactor),
    doNormalize: options.boolean('doNormalize', defaults.doNormalize),
    imageMean: readChannels(options, 'imageMean', defaults.imageMean, false),
    imageStd: readChannels(options, 'imageStd', defaults.imageStd, true),
    backend: options.oneOf('backend', ['pillow', 'torchvision'], defaults.backend),
  }
}
