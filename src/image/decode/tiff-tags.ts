/** The tags that are asked for. */
export const TiffTag = {
  WIDTH: 256,
  LENGTH: 257,
  BITS_PER_SAMPLE: 258,
  COMPRESSION: 259,
  PHOTOMETRIC: 262,
  ORIENTATION: 274,
  SAMPLES_PER_PIXEL: 277,
  TILE_WIDTH: 322,
  TILE_LENGTH: 323,
  EXTRA_SAMPLES: 338,
} as const

/** Tags and their numbers. */
export type TiffTags = ReadonlyMap<number, number>

/**
 * The tags in the first directory of a TIFF or BigTIFF file, which EXIF data is too, that hold whole numbers of 16, 32 or 64 bits: the
 * first number of each. Trusts nothing that lies past the bytes.
 *
 * @param pick which counts of a tag that stands there twice. Default: the later one, as to Pillow; to libtiff it is the first.
 */
export function readTiffTags(bytes: Uint8Array, pick = (_: number, later: number): number => later): TiffTags {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const tags = new Map<number, number>()
  for (const { tag, at, size, little } of places(view)) {
    const value = numberAt(view, at, size, little)
    tags.set(tag, pick(tags.get(tag) ?? value, value))
  }
  return tags
}

function numberAt(view: DataView, at: number, size: Place['size'], little: boolean): number {
  if (size === 2) return view.getUint16(at, little)
  return size === 4 ? view.getUint32(at, little) : Number(view.getBigUint64(at, little))
}

/** A copy of a file with another number for one of the tags it has. */
export function withTiffTag(bytes: Uint8Array, changed: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const view = new DataView(copy.buffer)
  for (const { tag, at, size, little } of places(view)) {
    if (tag !== changed) continue
    if (size === 2) view.setUint16(at, value, little)
    else if (size === 4) view.setUint32(at, value, little)
    else view.setBigUint64(at, BigInt(value), little)
  }
  return copy
}

interface Place {
  readonly tag: number
  /** Where the first number begins. */
  readonly at: number
  readonly size: 2 | 4 | 8
  readonly little: boolean
}

/** Bytes of a number, by its type: without and with a sign. */
const sizes: Readonly<Partial<Record<number, 2 | 4 | 8>>> = { 3: 2, 4: 4, 8: 2, 9: 4, 16: 8, 17: 8 }

/** Where the numbers are. */
function* places(view: DataView): Generator<Place> {
  if (view.byteLength < 16) return
  const little = view.getUint16(0) === 0x4949
  const isBig = view.getUint16(2, little) === 43
  const [word, entrySize] = isBig ? [8, 20] : [4, 12]
  const wordAt = (at: number): number => (isBig ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little))
  const directory = wordAt(word)
  if (directory + word > view.byteLength) return
  const entries = isBig ? wordAt(directory) : view.getUint16(directory, little)
  let entry = directory + (isBig ? 8 : 2)
  for (let i = 0; i < entries && entry + entrySize <= view.byteLength; i++, entry += entrySize) {
    const size = sizes[view.getUint16(entry + 2, little)]
    if (size === undefined) continue
    const here = entry + 4 + word
    const at = size * wordAt(entry + 4) <= word ? here : wordAt(here)
    if (at + size <= view.byteLength) yield { tag: view.getUint16(entry, little), at, size, little }
  }
}
