import { InputError } from '../../errors.js'
import { CHANNELS, checkSide, isBytes, type RawImage } from '../raw-image.js'

/** Pixels with one to four 8-bit samples each, row by row from the top left: raw memory, a canvas's `ImageData`, a `RawImage`. */
export interface RawPixels {
  /** `height × width × channels` bytes. */
  readonly data: Uint8Array | Uint8ClampedArray
  /** In pixels. */
  readonly width: number
  /** In pixels. */
  readonly height: number
  /** 1 grey, 2 grey and alpha, 3 red, green, blue, 4 with alpha (not premultiplied). Counted from `data` by default. */
  readonly channels?: number | undefined
}

/**
 * What becomes of transparent pixels: `'ignore'` takes their colours as if they were opaque, `'white'` lays the image on white.
 * transformers does the first when it loads a file (`load_image`), the second when its processor is given an image with alpha.
 */
export type Transparency = 'ignore' | 'white'

/**
 * The red, green and blue of pixels, equal to Pillow's `convert("RGB")`, and `alpha_composite` for `'white'`.
 *
 * @throws InputError if the pixels don't fill the image.
 */
export function toRawImage(pixels: RawPixels, transparency: Transparency): RawImage {
  const { width, height, data } = pixels
  const channels = checkPixels(pixels)
  if (channels === CHANNELS) return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) }
  const hasAlpha = channels === 2 || channels === 4
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2]
  const rgb = new Uint8Array(width * height * CHANNELS)
  for (let from = 0, to = 0; from < data.length; from += channels, to += CHANNELS) {
    const alpha = hasAlpha && transparency === 'white' ? (data[from + channels - 1] ?? 0) : 255
    rgb[to] = overWhite(data[from] ?? 0, alpha)
    rgb[to + 1] = overWhite(data[from + green] ?? 0, alpha)
    rgb[to + 2] = overWhite(data[from + blue] ?? 0, alpha)
  }
  return { width, height, data: rgb }
}

function overWhite(sample: number, alpha: number): number {
  return alpha === 255 ? sample : Math.round((sample * alpha) / 255 + 255 - alpha)
}

/** Whether a value has the fields of pixels; `toRawImage` checks their values. */
export function isRawPixels(value: unknown): value is RawPixels {
  return typeof value === 'object' && value !== null && 'data' in value && 'width' in value && 'height' in value
}

/** The channels of pixels that agree with their size. @throws InputError */
function checkPixels({ data, width, height, channels }: RawPixels): number {
  checkSide(width, 'the width of the pixels')
  checkSide(height, 'the height of the pixels')
  if (!isBytes(data)) {
    throw new InputError('Invalid pixel data', {
      expected: 'a Uint8Array or Uint8ClampedArray',
      found: Object.prototype.toString.call(data),
      where: 'data of the pixels',
    })
  }
  const counted = channels ?? data.length / (width * height)
  if ([1, 2, 3, 4].includes(counted) && data.length === width * height * counted) return counted
  throw new InputError('The bytes do not fill the image', {
    expected: `${height} × ${width} pixels of ${channels ?? '1 to 4'} bytes`,
    found: `${data.length} bytes`,
    where: 'data of the pixels',
  })
}
