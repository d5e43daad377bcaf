/** Endings of images in formats that are not decoded: HEIF, bitmaps, JPEG XL, JPEG 2000, drawings, and the raw files of cameras. */
const OTHER_FORMATS =
  /\.(hei[cf]s?|hif|bmp|dib|jxl|jp2|j2k|jpf|jpx|jxr|psd|psb|ico|icns|svgz?|tga|p[bgpn]m|pfm|exr|hdr|dds|pcx|xcf|qoi|eps|3fr|arw|cr[23w]|dcr|dng|erf|iiq|kdc|mef|mrw|nef|nrw|orf|pef|raf|raw|rw[2l]|sr[2fw]|x3f)$/i

/** Whether a file is an image of a format that is not decoded, by its ending. */
export const isOtherImage = (name: string): boolean => OTHER_FORMATS.test(name)

/**
 * A line that says how many images were left out of a folder, and why: `photos: left out 3 images (2 .heic, 1 .bmp), …`; undefined if
 * none was.
 *
 * @param names of all files that are not taken for images
 */
export function leftOutImages(folder: string, names: Iterable<string>): string | undefined {
  const counts = new Map<string, number>()
  let count = 0
  for (const name of names) {
    const ending = OTHER_FORMATS.exec(name)?.[0].toLowerCase()
    if (ending === undefined) continue
    counts.set(ending, (counts.get(ending) ?? 0) + 1)
    count++
  }
  if (count === 0) return undefined
  const kinds = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([ending, n]) => `${n} ${ending}`)
  return `${folder}: left out ${count} ${count === 1 ? 'image' : 'images'} (${kinds.join(', ')}) of formats that are not decoded. Convert them to JPEG, PNG or WebP.`
}
