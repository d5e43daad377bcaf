import { cut } from './crop.js'
import type { RawImage } from '../raw-image.js'
import type { Resampling } from './resampling.js'
import { halfToEven } from './half-to-even.js'
import type { ResizeMode } from './resize-mode.js'
import { resize } from './resize.js'
import type { Size } from './target-size.js'

/** How open_clip and timm bring an image to a size. */
export interface FitOptions {
  readonly mode: ResizeMode
  /** Of the result, in pixels. */
  readonly size: Size
  /** Share of the sides that is left of an image resized to more than `size`. Default: 1. */
  readonly cropPct?: number | undefined
  /** The samples beside an image that doesn't fill the size, of all channels or each. Default: 0. */
  readonly fillColor?: number | readonly number[] | undefined
  readonly resample: Resampling
}

/**
 * Resizes an image and takes its middle, as torchvision's `Resize` and `CenterCrop`, and timm's `ResizeKeepRatio` and
 * `CenterCropOrPad`, do with Pillow's images.
 *
 * @throws InputError if a side would vanish, or the target is too large.
 */
export function fit(image: RawImage, { mode, size, cropPct = 1, fillColor = 0, resample }: FitOptions): RawImage {
  const target = { height: Math.floor(size.height / cropPct), width: Math.floor(size.width / cropPct) }
  const resized = resize(image, { ...scaledSize(image, target, mode), resample, backend: 'pillow' })
  const top = middle(resized.height, size.height)
  const left = middle(resized.width, size.width)
  if (top === 0 && left === 0 && resized.height === size.height && resized.width === size.width) return resized
  return cut(resized, top, left, size, mode === 'longest' ? fillColor : 0)
}

function scaledSize(image: Size, target: Size, mode: FitOptions['mode']): Size {
  if (mode === 'squash') return target
  if (mode === 'shortest' && target.height === target.width) {
    const long = Math.trunc((target.height * Math.max(image.height, image.width)) / Math.min(image.height, image.width))
    return image.width <= image.height ? { height: long, width: target.width } : { height: target.height, width: long }
  }
  const ratios = [image.height / target.height, image.width / target.width] as const
  const ratio = mode === 'longest' ? Math.max(...ratios) : Math.min(...ratios)
  return { height: halfToEven(image.height / ratio), width: halfToEven(image.width / ratio) }
}

/** Where the middle begins; negative if the image has to be filled up before it. */
function middle(from: number, to: number): number {
  return to > from ? -Math.floor((to - from) / 2) : halfToEven((from - to) / 2)
}
