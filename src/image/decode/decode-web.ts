import { BackendError } from '../../errors.js'
import { fetchBytes } from './fetch-bytes.js'
import type { ReadOptions } from './image-input.js'
import { brokenImage, checkFormat, checkPixelCount, readImageHeader, type DecodeLimits } from './image-header.js'
import type { RawPixels } from './raw-pixels.js'

/** What browsers show; AVIF and the others where the browser knows them. */
const formats = ['JPEG', 'PNG', 'WebP', 'GIF', 'AVIF', 'BMP', 'icon', 'JPEG XL']

/**
 * Decodes an image file with the browser's own decoders, without colour management where the browser allows that. JPEG may
 * differ from Pillow by a few levels, as browsers upsample chroma in their own ways.
 *
 * @returns its pixels, upright, with alpha.
 * @throws ImageError if it is not an image or broken, or has more than `maxPixels`.
 */
export async function decodeBytes(bytes: Uint8Array, limits: DecodeLimits): Promise<RawPixels> {
  const { where } = limits
  if (typeof createImageBitmap === 'undefined' || typeof OffscreenCanvas === 'undefined') {
    throw new BackendError('Images cannot be decoded here', {
      expected: 'createImageBitmap and OffscreenCanvas',
      hint: 'Give decoded pixels: { data, width, height }.',
    })
  }
  checkFormat(bytes, formats, where, 'Convert it, or check that it is the file you mean.')
  const { format, width: wide, height: high } = readImageHeader(bytes)
  if (wide === undefined || high === undefined) throw brokenImage(`no size in the header of ${format ?? ''}`, where)
  checkPixelCount(wide, high, limits)
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]), {
    colorSpaceConversion: 'none',
    imageOrientation: 'from-image',
    premultiplyAlpha: 'none',
  }).catch((cause: unknown) => {
    throw brokenImage(cause, where)
  })
  try {
    const { width, height } = bitmap
    checkPixelCount(width, height, limits)
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
    if (!context) throw brokenImage(new Error(`no canvas of ${width} × ${height}`), where)
    context.drawImage(bitmap, 0, 0)
    return { width, height, channels: 4, data: context.getImageData(0, 0, width, height).data }
  } finally {
    bitmap.close()
  }
}

/** A browser can't check without fetching: base64 of an image is not taken for a relative URL. */
export const isThere = (): Promise<boolean> => Promise.resolve(false)

/**
 * The bytes of a file that a page names by a relative URL.
 *
 * @throws FileError if it can't be fetched; ImageError if it has more than `maxBytes`.
 */
export async function readFileBytes(
  location: string,
  options: ReadOptions & { readonly maxBytes: number },
): Promise<Uint8Array> {
  return fetchBytes(location, location, options.maxBytes, options)
}
