/** The tags that are asked for. */
export const TiffTag = { ORIENTATION: 274 } as const

/** Bytes of a value, by its type. */
const sizes: Readonly<Partial<Record<number, 2 | 4>>> = { 3: 2, 4: 4 }

/**
 * The tags in the first directory of a TIFF or BigTIFF file, which EXIF data is too, that hold whole numbers of 16 or 32 bits: the
 * first number of each. Trusts nothing that lies past the bytes.
 */
export function readTiffTags(bytes: Uint8Array): ReadonlyMap<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const tags = new Map<number, number>()
  if (view.byteLength < 16) return tags
  const little = view.getUint16(0) === 0x4949
  const isBig = view.getUint16(2, little) === 43
  const [word, entrySize] = isBig ? [8, 20] : [4, 12]
  const wordAt = (at: number): number => (isBig ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little))
  const directory = wordAt(word)
  if (directory + word > view.byteLength) return tags
  const entries = isBig ? wordAt(directory) : view.getUint16(directory, little)
  for (let i = 0, at = directory + (isBig ? 8 : 2); i < entries && at + entrySize <= view.byteLength; i++) {
    const size = sizes[view.getUint16(at + 2, little)] ?? 0
    const place = at + 4 + word
    const from = size * wordAt(at + 4) <= word ? place : wordAt(place)
    if (size > 0 && from + size <= view.byteLength) {
      tags.set(view.getUint16(at, little), size === 2 ? view.getUint16(from, little) : view.getUint32(from, little))
    }
    at += entrySize
  }
  return tags
}
