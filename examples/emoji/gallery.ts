import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import type { RawPixels, Sample } from 'siglip-tfjs'
import { isObject } from './package-folder.js'

/** An entry of the gallery's list. */
export interface GalleryEmoji {
  readonly emoji: string
  readonly label: string
  readonly tags: readonly string[]
  /** Its label in Spanish. */
  readonly spanish: string
}

/** With its drawing. */
export interface GalleryImage extends GalleryEmoji {
  readonly pixels: RawPixels
}

/** How many stand side by side in its images. */
export const GALLERY_COLUMNS = 24

/**
 * Reads what `make-gallery.js` wrote.
 *
 * @param folder such as {@link galleryFolder}
 * @param vendor whose drawings: twemoji's the model has never seen, noto's it has
 */
export async function readGallery(
  folder: string,
  vendor: 'twemoji' | 'noto' = 'twemoji',
): Promise<readonly GalleryImage[]> {
  const list: unknown = JSON.parse(await readFile(`${folder}/emoji.json`, 'utf8'))
  if (!Array.isArray(list) || !list.every(isGalleryEmoji)) throw new Error('emoji.json has another form')
  const sheet = sharp(await readFile(`${folder}/${vendor}.png`)).ensureAlpha()
  const { data, info } = await sheet.raw().toBuffer({ resolveWithObject: true })
  const side = info.width / GALLERY_COLUMNS
  return list.map((entry: GalleryEmoji, i) => {
    const left = (i % GALLERY_COLUMNS) * side
    const top = Math.floor(i / GALLERY_COLUMNS) * side
    const cut = new Uint8Array(side * side * 4)
    for (let y = 0; y < side; y++) {
      const from = ((top + y) * info.width + left) * 4
      cut.set(data.subarray(from, from + side * 4), y * side * 4)
    }
    return { ...entry, pixels: { data: cut, width: side, height: side, channels: 4 } }
  })
}

/** The gallery of a clone, from a program in `dist/examples/emoji/`. */
export const galleryFolder = (): string => fileURLToPath(new URL('../../../examples/emoji/gallery', import.meta.url))

/** A vendor's drawings with their captions, as data for training or evaluation. */
export async function gallerySamples(
  vendor: 'twemoji' | 'noto',
  said: 'label' | 'spanish',
): Promise<readonly Sample[]> {
  const images = await readGallery(galleryFolder(), vendor)
  return images.map((image, i) => ({
    key: `${vendor}/${i}`,
    open: () => image.pixels,
    captions: [image[said]],
  }))
}

function isGalleryEmoji(value: unknown): value is GalleryEmoji {
  if (!isObject(value)) return false
  const { emoji, label, spanish, tags } = value
  return [emoji, label, spanish, ...(Array.isArray(tags) ? (tags as unknown[]) : [tags])].every(
    (text) => typeof text === 'string',
  )
}
