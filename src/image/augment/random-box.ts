import type { Range } from './augmentation.js'
import type { Size } from '../resize/target-size.js'

/** A rectangle in an image, in pixels. */
export interface Box extends Size {
  readonly top: number
  readonly left: number
}

/** How often a box that doesn't fit is drawn again. */
const TRIES = 10

/**
 * A random box of a share of an image's area; undefined where none fits.
 *
 * @param ratio width to height, drawn evenly in its logarithm
 */
export function randomBox(size: Size, scale: Range, ratio: Range, random: () => number): Box | undefined {
  for (let i = 0; i < TRIES; i++) {
    const area = size.height * size.width * between(scale, random)
    const aspect = Math.exp(between([Math.log(ratio[0]), Math.log(ratio[1])], random))
    const width = Math.round(Math.sqrt(area * aspect))
    const height = Math.round(Math.sqrt(area / aspect))
    if (width < 1 || height < 1 || width > size.width || height > size.height) continue
    const top = Math.floor(random() * (size.height - height + 1))
    const left = Math.floor(random() * (size.width - width + 1))
    return { top, left, height, width }
  }
  return undefined
}

/** The largest box in the middle of an image whose proportions are within the range: where no random one fits. */
export function middleBox(size: Size, [least, greatest]: Range): Box {
  const ratio = size.width / size.height
  const width = ratio > greatest ? Math.max(1, Math.round(size.height * greatest)) : size.width
  const height = ratio < least ? Math.max(1, Math.round(size.width / least)) : size.height
  return { top: (size.height - height) >> 1, left: (size.width - width) >> 1, height, width }
}

/** A number of a range. */
export function between([least, greatest]: Range, random: () => number): number {
  return least + (greatest - least) * random()
}
