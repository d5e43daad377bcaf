import { ImageError } from '../errors.js'
import { isFrame, jpegSegments } from './jpeg-segments.js'
import { latin1 } from '../latin1.js'

/** What the first bytes of a file say. */
export interface PictureHeader {
  /** E.g. `JPEG`; undefined if they are no picture's. */
  readonly format: string | undefined
  /** In pixels, before the orientation is applied; undefined where it takes more than the header to know. */
  readonly width?: number
  readonly height?: number
}

/** What is decoded, and how large it may be. */
export interface DecodeLimits {
  readonly maxPixels: number
  /** Where the bytes come from, for messages. */
  readonly where: string
}

/** Texts that files of a format hold at an offset; the first that fits is taken. */
const signatures: readonly (readonly [format: string, offset: number, text: string])[] = [
  ['JPEG', 0, '\xff\xd8\xff'],
  ['PNG', 0, '\x89PNG\r\n\x1a\n'],
  ['GIF', 0, 'GIF87a'],
  ['GIF', 0, 'GIF89a'],
  ['WebP', 8, 'WEBP'],
  ['TIFF', 0, 'II*\0'],
  ['TIFF', 0, 'MM\0*'],
  ['TIFF', 0, 'II+\0'],
  ['TIFF', 0, 'MM\0+'],
  ['BMP', 0, 'BM'],
  ['JPEG 2000', 4, 'jP  '],
  ['JPEG XL', 0, '\xff\x0a'],
  ['JPEG XL', 4, 'JXL '],
  ['icon', 0, '\0\0\x01\0'],
  ['PSD', 0, '8BPS'],
  ['PDF', 0, '%PDF'],
]

/** Reads the format and, if it stands near the beginning, the size of a picture. Trusts nothing that lies past the bytes. */
export function readPictureHeader(bytes: Uint8Array): PictureHeader {
  const start = latin1(bytes.subarray(0, 64))
  const format = signatures.find(([, offset, text]) => start.startsWith(text, offset))?.[0] ?? formatOfText(start)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const size = format === undefined ? undefined : sizeReaders[format]?.(view)
  return { format, ...size }
}

/** Formats that are told by words near the beginning. */
function formatOfText(start: string): string | undefined {
  if (start.startsWith('ftyp', 4)) return /avi[fs]/.test(start) ? 'AVIF' : 'HEIC or video'
  if (/^\s*<(!doctype )?html/i.test(start)) return 'HTML'
  return /^\s*<(\?xml|svg|!doctype svg)/i.test(start) ? 'SVG or XML' : undefined
}

/** Whether a file is of one of the formats, as far as its beginning says. @throws ImageError naming what it is otherwise. */
export function checkFormat(bytes: Uint8Array, formats: readonly string[], where: string, hint: string): void {
  const { format } = readPictureHeader(bytes)
  if (format !== undefined && formats.includes(format)) return
  throw new ImageError('Not a picture that can be decoded', {
    expected: formats.join(', '),
    found: format ?? (bytes.length === 0 ? '0 bytes' : `${bytes.length} bytes of no known format`),
    where,
    hint,
  })
}

/** The error for bytes that begin like a picture and don't go on like one. */
export function brokenPicture(cause: unknown, where: string): ImageError {
  const lines = (cause instanceof Error ? cause.message : String(cause)).trim().split('\n')
  const found = [...new Set(lines)].slice(0, 3).join('; ') // libvips repeats itself
  return new ImageError('The picture is broken', {
    found,
    where,
    hint: 'It may be cut off, or of a rare kind: fetch it again, or convert it.',
    cause,
  })
}

/** Throws `ImageError` if a picture has more pixels than allowed: asked before they are decoded. */
export function checkPixelCount(width: number, height: number, { maxPixels, where }: DecodeLimits): void {
  if (width * height <= maxPixels) return
  throw new ImageError('The picture is too large', {
    expected: `at most ${maxPixels} pixels`,
    found: `${width} × ${height}`,
    where,
    hint: 'If it is right, raise maxPixels.',
  })
}

type SizeReader = (view: DataView) => { width: number; height: number } | undefined

const sizeReaders: Readonly<Partial<Record<string, SizeReader>>> = {
  PNG: (view) => sizeAt(view, 24, () => ({ width: view.getUint32(16), height: view.getUint32(20) })),
  GIF: (view) => sizeAt(view, 10, () => ({ width: view.getUint16(6, true), height: view.getUint16(8, true) })),
  BMP: (view) =>
    sizeAt(view, 26, () => ({ width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) })),
  WebP: (view) => sizeAt(view, 30, () => webpSize(view)),
  JPEG: jpegSize,
}

function sizeAt<T>(view: DataView, needed: number, read: () => T): T | undefined {
  return view.byteLength < needed ? undefined : read()
}

/** The size in the first chunk: extended, lossless or lossy. */
function webpSize(view: DataView): { width: number; height: number } {
  const kind = view.getUint8(15) // 'X', 'L' or ' '
  if (kind === 0x58) return { width: uint24(view, 24) + 1, height: uint24(view, 27) + 1 }
  if (kind !== 0x4c) return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  const bits = view.getUint32(21, true)
  return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 }
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16)
}

/** The size in the frame header. */
function jpegSize({ buffer, byteOffset, byteLength }: DataView): { width: number; height: number } | undefined {
  for (const segment of jpegSegments(new Uint8Array(buffer, byteOffset, byteLength))) {
    const [, high, height, wide, width] = segment.data
    if (!isFrame(segment)) continue
    if (high === undefined || height === undefined || wide === undefined || width === undefined) return undefined
    return { width: wide * 256 + width, height: high * 256 + height }
  }
  return undefined
}
