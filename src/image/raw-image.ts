import { InputError } from '../errors.js'

/** A decoded image: 8-bit red, green and blue, row by row from the top left. */
export interface RawImage {
  /** `height × width × 3` bytes. */
  readonly data: Uint8Array
  /** In pixels. */
  readonly width: number
  /** In pixels. */
  readonly height: number
}

/** The samples of a pixel that `RawImage` holds. */
export const CHANNELS = 3

/** The most pixels an image has unless a caller allows more: where Pillow suspects a decompression bomb. */
export const MAX_PIXELS = 178_956_970

/**
 * Returns `image` if its fields agree with each other.
 *
 * @param where the argument it came in, for messages.
 * @throws InputError
 */
export function checkRawImage(image: RawImage, where: string): RawImage {
  checkSide(image.width, `the width of ${where}`)
  checkSide(image.height, `the height of ${where}`)
  const length = image.height * image.width * CHANNELS
  if (isBytes(image.data) && image.data.length === length) return image
  throw new InputError('The pixels do not fill the image', {
    expected: `${length} bytes (${image.height} × ${image.width} × ${CHANNELS})`,
    found: isBytes(image.data) ? `${image.data.length} bytes` : 'something else than a Uint8Array',
    where,
    hint: 'Give 8-bit red, green and blue of every pixel, row by row.',
  })
}

/** Returns `side` if it is a side that an image can have. @throws InputError */
export function checkSide(side: number, where: string): number {
  if (Number.isInteger(side) && side >= 1 && side < 2 ** 31) return side
  throw new InputError('Invalid image side', {
    expected: 'a whole number of pixels from 1',
    found: String(side),
    where,
  })
}

/** Whether a value is an array of bytes, of whichever realm. */
export function isBytes(value: unknown): value is Uint8Array | Uint8ClampedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) && 'BYTES_PER_ELEMENT' in value && isByteArray(value)
}

function isByteArray(view: ArrayBufferView): boolean {
  const tag = Object.prototype.toString.call(view)
  return tag === '[object Uint8Array]' || tag === '[object Uint8ClampedArray]'
}
