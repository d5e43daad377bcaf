import { decodeBytes } from '#decode'
import type { ImageInput, ReadOptions } from './image-input.js'
import { MAX_PIXELS, type RawImage } from '../raw-image.js'
import { isRawPixels, toRawImage, type RawPixels, type Transparency } from './raw-pixels.js'
import { readBytes } from './read-bytes.js'

/** How images are read and decoded. */
export interface DecodeImageOptions extends ReadOptions {
  /** What becomes of transparent pixels; `'ignore'` by default. */
  readonly transparency?: Transparency
}

/**
 * Reads an image and decodes it to 8-bit red, green and blue: upright (by its EXIF or XMP orientation), the first frame, without
 * colour management. In Node the pixels are those of Pillow's `convert("RGB")`, as transformers' `load_image` gives them, to the
 * bit, except for
 * - AVIF: a level by rounding, and more at edges where chroma is subsampled;
 * - GIF: pixels that are transparent or outside the first frame are black; in Pillow they have a colour of the palette;
 * - PNG of other than 8 bits with one transparent colour: it is transparent; to Pillow, on white, not always;
 * - TIFF of rare kinds: Lab, Zstandard, LZMA, and YCbCr outside JPEG are refused, and a few others differ;
 * - JPEG where sharp can't be loaded: rounding, and chroma that isn't interpolated.
 *
 * Browsers use their own decoders.
 *
 * @throws FileError if it can't be read; ImageError if it is not an image, broken, or larger than `maxPixels` or `maxBytes`;
 *   InputError for an unsupported kind of input.
 */
export async function decodeImage(input: ImageInput, options: DecodeImageOptions = {}): Promise<RawImage> {
  return toRawImage(await decodePixels(input, options), options.transparency ?? 'ignore')
}

/**
 * Reads an image and decodes it, with alpha if it has any.
 *
 * @throws FileError, ImageError or InputError as {@link decodeImage} does
 */
export async function decodePixels(input: ImageInput, options: ReadOptions = {}): Promise<RawPixels> {
  if (isRawPixels(input)) return input
  const { bytes, where } = await readBytes(input, options)
  return decodeBytes(bytes, { maxPixels: options.maxPixels ?? MAX_PIXELS, where })
}
