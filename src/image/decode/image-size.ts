import { isFrame, jpegSegments } from './jpeg-segments.js'

/** In pixels, before the orientation is applied. */
export interface ImageSize {
  readonly width: number
  readonly height: number
}

/** The largest size in the file's headers; undefined if none is found. Never reads past the bytes. */
export type SizeReader = (view: DataView) => ImageSize | undefined

/** The formats whose header contains the size. TIFF needs a walk through the file. */
export const sizeReaders: Readonly<Partial<Record<string, SizeReader>>> = {
  PNG: (view) => sizeAt(view, 24, () => ({ width: view.getUint32(16), height: view.getUint32(20) })),
  GIF: (view) => sizeAt(view, 10, () => ({ width: view.getUint16(6, true), height: view.getUint16(8, true) })),
  BMP: (view) => bitmapSize(view, 14),
  WebP: (view) => sizeAt(view, 30, () => webpSize(view)),
  JPEG: jpegSize,
  AVIF: avifSize,
  icon: iconSize,
  'JPEG XL': jpegXlSize,
}

function sizeAt<T>(view: DataView, needed: number, read: () => T): T | undefined {
  return view.byteLength < needed ? undefined : read()
}

const larger = (a: ImageSize | undefined, b: ImageSize | undefined): ImageSize | undefined =>
  a && b ? (a.width * a.height < b.width * b.height ? b : a) : (a ?? b)

/** Of a bitmap's header, whose first and oldest kind has 16 bits for each side. */
function bitmapSize(view: DataView, at: number): ImageSize | undefined {
  if (view.byteLength < at + 12) return undefined
  if (view.getUint32(at, true) === 12) {
    return { width: view.getUint16(at + 4, true), height: view.getUint16(at + 6, true) }
  }
  return { width: Math.abs(view.getInt32(at + 4, true)), height: Math.abs(view.getInt32(at + 8, true)) }
}

/** The size in the first chunk: extended, lossless or lossy. */
function webpSize(view: DataView): ImageSize {
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
function jpegSize({ buffer, byteOffset, byteLength }: DataView): ImageSize | undefined {
  for (const segment of jpegSegments(new Uint8Array(buffer, byteOffset, byteLength))) {
    const [, high, height, wide, width] = segment.data
    if (!isFrame(segment)) continue
    if (high === undefined || height === undefined || wide === undefined || width === undefined) return undefined
    return { width: wide * 256 + width, height: high * 256 + height }
  }
  return undefined
}

/** Boxes of properties stand within this many bytes of the beginning. */
const MAX_META = 2 ** 16

/** The largest of the sizes that properties (`ispe` boxes) of the file's items have. */
function avifSize(view: DataView): ImageSize | undefined {
  let size: ImageSize | undefined
  for (let at = 4; at + 16 <= Math.min(view.byteLength, MAX_META); at++) {
    if (view.getUint32(at) !== ISPE) continue
    size = larger(size, { width: view.getUint32(at + 8), height: view.getUint32(at + 12) })
  }
  return size
}

const ISPE = 0x69737065

/** The largest of the images in an icon: bitmaps of twice the height, for their masks, or PNG files. */
function iconSize(view: DataView): ImageSize | undefined {
  const count = view.byteLength < 6 ? 0 : view.getUint16(4, true)
  let size: ImageSize | undefined
  for (let i = 0; i < count && 22 + 16 * i <= view.byteLength; i++) {
    const at = view.getUint32(18 + 16 * i, true)
    if (at + 24 > view.byteLength) continue
    const isPng = view.getUint32(at) === 0x89504e47
    const bitmap = isPng ? undefined : bitmapSize(view, at)
    size = larger(
      size,
      isPng
        ? { width: view.getUint32(at + 16), height: view.getUint32(at + 20) }
        : bitmap && { width: bitmap.width, height: bitmap.height / 2 },
    )
  }
  return size
}

/** The ratios of sides that have a code. */
const ratios = [undefined, 1, 12 / 10, 4 / 3, 3 / 2, 16 / 9, 5 / 4, 2] as const

/** The size at the beginning of the codestream, bit by bit. Source: ISO/IEC 18181-1, `SizeHeader`. */
function jpegXlSize(view: DataView): ImageSize | undefined {
  const begin = codestreamOf(view)
  if (begin === undefined || begin + 12 > view.byteLength) return undefined
  let at = (begin + 2) * 8
  const read = (bits: number): number => {
    let value = 0
    for (let i = 0; i < bits; i++, at++) value += ((view.getUint8(at >> 3) >> (at & 7)) & 1) * 2 ** i
    return value
  }
  const isSmall = read(1) === 1
  const side = (): number => 1 + (isSmall ? read(5) * 8 + 7 : read([9, 13, 18, 30][read(2)] ?? 9))
  const height = side()
  const ratio = ratios[read(3)]
  return { height, width: ratio === undefined ? side() : Math.floor(height * ratio) }
}

/** Where the codestream begins: at once, or in a box of a container. */
function codestreamOf(view: DataView): number | undefined {
  if (view.byteLength >= 2 && view.getUint16(0) === 0xff0a) return 0
  for (let at = 0; at + 16 <= view.byteLength;) {
    const [size, type] = [view.getUint32(at), view.getUint32(at + 4)]
    const data = at + (size === 1 ? 16 : 8)
    if (type === JXLC) return data
    if (type === JXLP) return data + 4 // behind the number of the part
    if (size === 0) return undefined
    const next = at + (size === 1 ? Number(view.getBigUint64(at + 8)) : size)
    if (next < at + 8) return undefined
    at = next
  }
  return undefined
}

const [JXLC, JXLP] = [0x6a786c63, 0x6a786c70]
