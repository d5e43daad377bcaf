/** The tags that are asked for. */
export const TiffTag = {
  COMPRESSION: 259,
  PHOTOMETRIC: 262,
  ORIENTATION: 274,
  SAMPLES_PER_PIXEL: 277,
  EXTRA_SAMPLES: 338,
} as const

/** Tags and their numbers. */
export type TiffTags = ReadonlyMap<number, number>

/**
 * The tags in the first directory of a TIFF or BigTIFF file, which EXIF data is too, that hold whole numbers of 16 or 32 bits: the
 * first number of each. Trusts nothing that lies past the bytes.
 */
export function readTiffTags(bytes: Uint8Array): TiffTags {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const tags = new Map<number, number>()
  for (const { tag, at, size, little } of places(view)) {
    tags.set(tag, size === 2 ? view.getUint16(at, little) : view.getUint32(at, little))
  }
  return tags
}

/** A copy of a file with another number for one of the tags it has. */
export function withTiffTag(bytes: Uint8Array, changed: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  const view = new DataView(copy.buffer)
  for (const { tag, at, size, little } of places(view)) {
    if (tag !== changed) continue
    if (size === 2) view.setUint16(at, value, little)
    else view.setUint32(at, value, little)
  }
  return copy
}

interface Place {
  readonly tag: number
  /** Where the first number begins. */
  readonly at: number
  readonly size: 2 | 4
  readonly little: boolean
}

/** Bytes of a number, by its type. */
const sizes: Readonly<Partial<Record<number, 2 | 4>>> = { 3: 2, 4: 4 }

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
