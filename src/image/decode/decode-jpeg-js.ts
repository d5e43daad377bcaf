import { decode } from 'jpeg-js'
import { isRgbJpeg } from './jpeg-colours.js'
import { readOrientation, upright } from './jpeg-orientation.js'
import { brokenImage, checkFormat, checkPixelCount, readImageHeader, type DecodeLimits } from './image-header.js'
import type { RawPixels } from './raw-pixels.js'

/** Bytes that jpeg-js takes for a pixel, at most: coefficients, components, output. */
const BYTES_PER_PIXEL = 32

/**
 * Decodes JPEG in plain JavaScript, where sharp can't be loaded. The chroma of subsampled images is upsampled without
 * interpolation, so colours deviate from libjpeg's at edges.
 *
 * @throws ImageError if it is not a JPEG or broken, or has more than `maxPixels`.
 */
export function decodeWithJpegJs(bytes: Uint8Array, limits: DecodeLimits): RawPixels {
  const { where } = limits
  checkFormat(bytes, ['JPEG'], where, 'Without sharp only JPEG can be decoded. Install it: npm install sharp.')
  const { width, height } = readImageHeader(bytes)
  if (width === undefined || height === undefined) throw brokenImage('no frame header', where)
  checkPixelCount(width, height, limits)
  try {
    const pixels = decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      ...(isRgbJpeg(bytes) && { colorTransform: false }),
      tolerantDecoding: false,
      maxResolutionInMP: Infinity, // counted above
      maxMemoryUsageInMB: 16 + (width * height * BYTES_PER_PIXEL) / 2 ** 20,
    })
    return upright({ data: pixels.data, width: pixels.width, height: pixels.height }, readOrientation(bytes))
  } catch (cause) {
    throw brokenImage(cause, where)
  }
}
