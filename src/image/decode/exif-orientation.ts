import { readTiffTags, TiffTag } from './tiff-tags.js'
import { latin1 } from '../../io/latin1.js'

/**
 * The orientation of an image, from 1 (upright) to 8: that of its EXIF data, or that of its XMP data if the former has none.
 * Source: `getexif` of Pillow's `Image.py`.
 */
export function orientationOf(exif: Uint8Array | undefined, xmp: Uint8Array | undefined): number {
  const orientation = (exif && exifOrientation(exif)) ?? (xmp && xmpOrientation(xmp)) ?? 1
  return orientation >= 1 && orientation <= 8 ? orientation : 1
}

/** EXIF data is a TIFF file, with or without a word before it. */
function exifOrientation(exif: Uint8Array): number | undefined {
  const [prefix] = /^(Exif\0\0){0,2}/.exec(latin1(exif.subarray(0, 12))) ?? ['']
  return readTiffTags(exif.subarray(prefix.length)).get(TiffTag.ORIENTATION)
}

function xmpOrientation(xmp: Uint8Array): number | undefined {
  const [, digit] = /tiff:Orientation(?:="|>)([0-9])/.exec(new TextDecoder('latin1').decode(xmp)) ?? []
  return digit === undefined ? undefined : Number(digit)
}
