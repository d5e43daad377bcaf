import { orientationOf } from './exif-orientation.js'
import { dataAfter, jpegSegments } from './jpeg-segments.js'
import { CHANNELS, type RawImage } from '../raw-image.js'

const APP1 = 0xe1

/** The orientation that a JPEG file's EXIF or XMP data gives it, from 1 (upright) to 8; 1 if there is none that can be read. */
export function readOrientation(bytes: Uint8Array): number {
  let exif: Uint8Array | undefined
  let xmp: Uint8Array | undefined
  for (const segment of jpegSegments(bytes)) {
    if (segment.marker !== APP1) continue
    exif ??= dataAfter('Exif\0\0', segment)
    xmp = dataAfter('http://ns.adobe.com/xap/1.0/\0', segment) ?? xmp
  }
  return orientationOf(exif, xmp)
}

/** The image turned upright, as Pillow's `exif_transpose` does. */
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
