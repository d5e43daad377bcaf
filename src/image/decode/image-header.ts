import { ImageError } from '../../errors.js'
import { latin1 } from '../../io/latin1.js'
import { sizeReaders } from './image-size.js'

/** What the first bytes of a file say. */
export interface ImageHeader {
  /** E.g. `JPEG`; undefined for other bytes. */
  readonly format: string | undefined
  /** In pixels, before the orientation is applied; undefined where it takes more than the header to know. */
  readonly width?: number
  readonly height?: number
}

/** The limits of decoding. */
export interface DecodeLimits {
  readonly maxPixels: number
  /** Where the bytes come from, for messages. */
  readonly where: string
}

/** Magic texts at offsets, all of which must match; the first match decides. */
const signatures: readonly (readonly [format: string, ...places: readonly (readonly [number, string])[]])[] = [
  ['JPEG', [0, '\xff\xd8\xff']],
  ['PNG', [0, '\x89PNG\r\n\x1a\n']],
  ['GIF', [0, 'GIF87a']],
  ['GIF', [0, 'GIF89a']],
  ['WebP', [0, 'RIFF'], [8, 'WEBP']],
  ['TIFF', [0, 'II*\0']],
  ['TIFF', [0, 'MM\0*']],
  ['TIFF', [0, 'II+\0']],
  ['TIFF', [0, 'MM\0+']],
  ['BMP', [0, 'BM']],
  ['JPEG 2000', [0, '\0\0\0\x0cjP  ']],
  ['JPEG XL', [0, '\xff\x0a']],
  ['JPEG XL', [0, '\0\0\0\x0cJXL ']],
  ['icon', [0, '\0\0\x01\0']],
  ['PSD', [0, '8BPS']],
  ['PDF', [0, '%PDF']],
]

/** Reads the format and, if it stands near the beginning, the size of an image. Trusts nothing that lies past the bytes. */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  const start = latin1(bytes.subarray(0, 64))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const format =
    signatures.find(([, ...places]) => places.every(([offset, text]) => start.startsWith(text, offset)))?.[0] ??
    formatOfBrands(view) ??
    formatOfText(start)
  const size = format === undefined ? undefined : sizeReaders[format]?.(view)
  return { format, ...size }
}

/** A list of brands is shorter. */
const MAX_BRANDS = 1024

/** The format of a file that begins with a box of brands, of which the first is its own and the others are those it goes with. */
function formatOfBrands(view: DataView): string | undefined {
  if (view.byteLength < 16) return undefined
  const [size, type] = [view.getUint32(0), view.getUint32(4)]
  if (type !== FTYP || size < 16 || size > MAX_BRANDS || size > view.byteLength) return undefined
  for (let at = 8; at + 4 <= size; at += 4) {
    if (at !== 12 && AVIF_BRANDS.includes(view.getUint32(at))) return 'AVIF' // the version stands at 12
  }
  return 'HEIC or video'
}

const FTYP = 0x66747970
const AVIF_BRANDS = [0x61766966, 0x61766973] // avif, avis

/** Formats that words near the beginning identify. */
function formatOfText(start: string): string | undefined {
  if (/^\s*<(!doctype )?html/i.test(start)) return 'HTML'
  return /^\s*<(\?xml|svg|!--|!doctype svg)/i.test(start) ? 'SVG or XML' : undefined
}

/** Whether a file is of one of the formats, judging by its first bytes. @throws ImageError naming what it is otherwise. */
export function checkFormat(bytes: Uint8Array, formats: readonly string[], where: string, hint: string): void {
  const { format } = readImageHeader(bytes)
  if (format !== undefined && formats.includes(format)) return
  throw new ImageError('The image cannot be decoded', {
    expected: formats.join(', '),
    found: format ?? (bytes.length === 0 ? '0 bytes' : `${bytes.length} bytes of no known format`),
    where,
    hint,
  })
}

/** The error for bytes that only begin like an image. */
export function brokenImage(cause: unknown, where: string): ImageError {
  const lines = (cause instanceof Error ? cause.message : String(cause)).trim().split('\n')
  const found = [...new Set(lines)].slice(0, 3).join('; ') // libvips repeats itself
  return new ImageError('The image is broken', {
    found,
    where,
    hint: 'It may be truncated, or of a rare kind: download it again, or convert it.',
    cause,
  })
}

/** Bytes that a pixel may take while it is decoded: red, green, blue and alpha of 16 bits. Wider ones count for more pixels. */
const BYTES_PER_PIXEL = 8

/**
 * Throws `ImageError` if an image takes more memory than one of as many pixels as are allowed: asked before they are decoded.
 *
 * @param bytesPerPixel of the samples as the file has them.
 */
export function checkPixelCount(
  width: number,
  height: number,
  { maxPixels, where }: DecodeLimits,
  bytesPerPixel = 1,
): void {
  if (width * height * Math.max(1, bytesPerPixel / BYTES_PER_PIXEL) <= maxPixels) return
  const wide = bytesPerPixel > BYTES_PER_PIXEL ? ` of ${bytesPerPixel} bytes` : ''
  throw new ImageError('The image is too large', {
    expected: `at most ${maxPixels} pixels${wide && ` of ${BYTES_PER_PIXEL} bytes`}`,
    found: `${width} × ${height}${wide}`,
    where,
    hint: 'If it is right, raise maxPixels.',
  })
}
