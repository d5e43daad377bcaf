import { dataAfter, isFrame, jpegSegments } from './jpeg-segments.js'

const [JFIF, ADOBE] = [0xe0, 0xee]

/**
 * Whether the three components of a JPEG file are red, green and blue, and not luma and chroma.
 * Source: `default_decompress_parms` of libjpeg's `jdapimin.c`.
 */
export function isRgbJpeg(bytes: Uint8Array): boolean {
  let transform: number | undefined
  let ids = ''
  for (const segment of jpegSegments(bytes)) {
    const { marker, data } = segment
    if (marker === JFIF && dataAfter('JFIF\0', segment)) return false
    if (marker === ADOBE) transform = dataAfter('Adobe', segment)?.[6] ?? transform
    if (isFrame(segment)) ids = String.fromCharCode(data[6] ?? 0, data[9] ?? 0, data[12] ?? 0)
  }
  return transform === undefined ? ids === 'RGB' : transform === 0
}
