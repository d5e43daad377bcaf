const EXIF_CHUNK = 0x65584966 // eXIf

/**
 * A PNG file's EXIF data where Pillow finds it: in the last `eXIf` chunk, also behind the pixels, or as hexadecimal text, as
 * ImageMagick writes it.
 *
 * @param comments the file's texts.
 */
export function pngExif(
  bytes: Uint8Array,
  comments: readonly { readonly keyword: string; readonly text: string }[] = [],
): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let exif: Uint8Array | undefined
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) === EXIF_CHUNK) exif = bytes.subarray(at + 8, at + 8 + view.getUint32(at))
  }
  const text = comments.find(({ keyword }) => keyword === 'Raw profile type exif')?.text
  return exif ?? (text === undefined ? undefined : Buffer.from(text.split('\n').slice(3).join(''), 'hex'))
}
