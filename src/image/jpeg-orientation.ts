import { CHANNELS, type RawImage } from './raw-image.js'

/** The EXIF tag of the orientation. */
const ORIENTATION = 0x112

/** The orientation that a JPEG file's EXIF data gives it, from 1 (upright) to 8; 1 if there is none that can be read. */
export function readOrientation(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 2; at + 18 <= bytes.length && view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
    const isExif = view.getUint8(at + 1) === 0xe1 && view.getUint32(at + 4) === 0x45786966
    if (isExif) return orientationOf(new DataView(bytes.buffer, bytes.byteOffset + at + 10, bytes.length - at - 10))
  }
  return 1
}

/** The orientation in a TIFF header and its first directory. */
function orientationOf(tiff: DataView): number {
  const little = tiff.getUint16(0) === 0x4949
  const directory = tiff.getUint32(4, little)
  if (directory + 2 > tiff.byteLength) return 1
  const entries = tiff.getUint16(directory, little)
  for (let i = 0, at = directory + 2; i < entries && at + 12 <= tiff.byteLength; i++, at += 12) {
    if (tiff.getUint16(at, little) !== ORIENTATION) continue
    const orientation = tiff.getUint16(at + 8, little)
    return orientation >= 1 && orientation <= 8 ? orientation : 1
  }
  return 1
}

/** The picture turned upright, as Pillow's `exif_transpose` does. */
export function upright({ data, width, height }: RawImage, orientation: number): RawImage {
  if (orientation === 1) return { data, width, height }
  const turned = orientation > 4 // rows become columns
  const mirrored = [2, 3, 7, 8].includes(orientation)
  const flipped = [3, 4, 6, 7].includes(orientation)
  const target = new Uint8Array(data.length)
  const [toWidth, toHeight] = turned ? [height, width] : [width, height]
  for (let to = 0, y = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++, to += CHANNELS) {
      const [column, row] = turned ? [y, x] : [x, y]
      const from = ((flipped ? height - 1 - row : row) * width + (mirrored ? width - 1 - column : column)) * CHANNELS
      target.set(data.subarray(from, from + CHANNELS), to)
    }
  }
  return { data: target, width: toWidth, height: toHeight }
}
