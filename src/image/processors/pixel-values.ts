import { CHANNELS } from '../raw-image.js'
import type { ResizeBackend } from '../resize/resize.js'

/** What becomes of 8-bit samples. */
export interface ValueOptions {
  readonly doRescale: boolean
  readonly rescaleFactor: number
  readonly doNormalize: boolean
  /** One for all channels, or one each. */
  readonly imageMean: number | readonly number[]
  /** One for all channels, or one each. */
  readonly imageStd: number | readonly number[]
}

/** The 256 values of each channel's samples: red, then green, then blue. */
export type ValueTable = Float32Array

/**
 * The values that samples get, computed in the order and precision of transformers' backends: Pillow's rescales in double
 * precision and normalizes in single, torchvision's does both at once in single precision.
 */
export function valueTable(options: ValueOptions, backend: ResizeBackend): ValueTable {
  const table = new Float32Array(CHANNELS * 256)
  for (let channel = 0; channel < CHANNELS; channel++) {
    const value = backend === 'pillow' ? valueOfNumpy(options, channel) : valueOfTorch(options, channel)
    for (let sample = 0; sample < 256; sample++) table[channel * 256 + sample] = value(sample)
  }
  return table
}

function valueOfNumpy(options: ValueOptions, channel: number): (sample: number) => number {
  const { doRescale, rescaleFactor, doNormalize } = options
  const mean = Math.fround(ofChannel(options.imageMean, channel))
  const std = Math.fround(ofChannel(options.imageStd, channel))
  return (sample) => {
    const rescaled = doRescale ? Math.fround(sample * rescaleFactor) : sample
    return doNormalize ? Math.fround(rescaled - mean) / std : rescaled
  }
}

/** `_fuse_mean_std_and_rescale_factor` and `normalize`. */
function valueOfTorch(options: ValueOptions, channel: number): (sample: number) => number {
  const { doRescale, rescaleFactor, doNormalize } = options
  if (!doNormalize) return (sample) => (doRescale ? sample * Math.fround(rescaleFactor) : sample)
  const scale = doRescale ? Math.fround(1 / rescaleFactor) : 1
  const mean = Math.fround(Math.fround(ofChannel(options.imageMean, channel)) * scale)
  const std = Math.fround(Math.fround(ofChannel(options.imageStd, channel)) * scale)
  return (sample) => Math.fround(sample - mean) / std
}

function ofChannel(value: number | readonly number[], channel: number): number {
  return typeof value === 'number' ? value : (value[channel] ?? NaN)
}
