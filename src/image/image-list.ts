import { InputError } from '../errors.js'
import { decodeImage } from './decode/decode-image.js'
import type { ImageInput, ReadOptions } from './decode/image-input.js'
import { mapLimited } from '../io/map-limited.js'
import { checkRawImage, type RawImage } from './raw-image.js'

/** How many images are decoded at a time: enough to keep sharp's threads busy, few enough to fit into memory. */
const AT_ONCE = 4

/** One image or several. */
export type OneOrMore<T> = T | readonly T[]

/**
 * Decodes images, some at a time, and hands each on as soon as it is there.
 *
 * @throws as `decodeImage` and `shrink` do; InputError for an empty list.
 */
export function decodeEach(
  images: OneOrMore<ImageInput>,
  onWhite: boolean,
  options: ReadOptions,
  shrink: (image: RawImage) => RawImage,
): Promise<RawImage[]> {
  const transparency = onWhite ? 'white' : 'ignore'
  return mapLimited(listed(images), AT_ONCE, async (image) =>
    shrink(await decodeImage(image, { ...options, transparency })),
  )
}

/** The images as a list, each checked. @throws InputError */
export function checkedList(images: OneOrMore<RawImage>): readonly RawImage[] {
  return listed(images).map((image, i) => checkRawImage(image, `image ${i}`))
}

function listed<T>(images: OneOrMore<T>): readonly T[] {
  const list = isList(images) ? images : [images]
  if (list.length > 0) return list
  throw new InputError('Missing images', { expected: 'at least one', found: 'an empty list', where: 'images' })
}

function isList<T>(images: OneOrMore<T>): images is readonly T[] {
  return Array.isArray(images)
}
