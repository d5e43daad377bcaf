import { ImageError } from '../../errors.js'
import { checkPixelCount, type DecodeLimits } from './image-header.js'
import type { RawPixels } from './raw-pixels.js'
import { TiffTag, withTiffTag, type TiffTags } from './tiff-tags.js'

const Photometric = { RGB: 2, CMYK: 5, YCBCR: 6 } as const
const JPEG: readonly number[] = [6, 7]
const NO_ALPHA = 0

/**
 * Checks what a decoder takes memory for before it has read any sample: all of them, and those of a tile, which may be larger than
 * the image.
 *
 * @throws ImageError if that is more than an image of as many pixels as are allowed takes
 */
export function checkTiffMemory(tags: TiffTags, limits: DecodeLimits): void {
  const get = (tag: number, otherwise: number): number => tags.get(tag) ?? otherwise
  const bits = get(TiffTag.SAMPLES_PER_PIXEL, 1) * get(TiffTag.BITS_PER_SAMPLE, 1)
  checkPixelCount(get(TiffTag.WIDTH, 0), get(TiffTag.LENGTH, 0), limits, bits / 8)
  checkPixelCount(get(TiffTag.TILE_WIDTH, 0), get(TiffTag.TILE_LENGTH, 0), limits, bits / 8)
}

/** @throws ImageError if libvips would misread the samples as colours */
export function checkColours(tags: TiffTags, where: string): void {
  const photometric = tags.get(TiffTag.PHOTOMETRIC)
  const compression = tags.get(TiffTag.COMPRESSION) ?? 1
  if (photometric === Photometric.YCBCR && !JPEG.includes(compression)) {
    throw new ImageError('YCbCr in TIFF can be decoded only from JPEG', {
      expected: 'JPEG inside, or RGB',
      found: `YCbCr with compression ${compression}`,
      where,
      hint: 'Convert it to RGB.',
    })
  }
  const bands = tags.get(TiffTag.SAMPLES_PER_PIXEL) ?? 1
  if (bands <= 4 || photometric === Photometric.RGB || photometric === Photometric.CMYK) return
  throw new ImageError('The bands of this image aren’t colours', {
    expected: 'at most 4 bands, or RGB or CMYK first',
    found: `${bands} bands`,
    where,
    hint: 'Convert it to RGB.',
  })
}

/** The file without an orientation that is none: Pillow takes no notice of that, to libtiff it is an error. */
export function withKnownOrientation(bytes: Uint8Array, tags: TiffTags): Uint8Array {
  const orientation = tags.get(TiffTag.ORIENTATION) ?? 1
  return orientation >= 1 && orientation <= 8 ? bytes : withTiffTag(bytes, TiffTag.ORIENTATION, 1)
}

/**
 * The colours, with alpha if the file doesn't say that the first band besides them is something else, and without the other bands,
 * e.g. near infrared. Source: `OPEN_INFO` of Pillow's `TiffImagePlugin.py`.
 */
export function withoutOtherBands(pixels: RawPixels & { readonly channels: number }, tags: TiffTags): RawPixels {
  const { data, channels, width, height } = pixels
  const colours = channels < 3 ? 1 : 3
  const kept = colours + (tags.get(TiffTag.EXTRA_SAMPLES) === NO_ALPHA ? 0 : 1)
  if (channels <= kept) return pixels
  const colour = new Uint8Array(width * height * kept)
  for (let from = 0, to = 0; to < colour.length; from += channels, to += kept) {
    for (let band = 0; band < kept; band++) colour[to + band] = data[from + band] ?? 0
  }
  return { width, height, channels: kept, data: colour }
}
