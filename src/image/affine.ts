import { CHANNELS, type RawImage } from './raw-image.js'

/** How a picture is placed anew, about its middle. */
export interface Placement {
  /** Clockwise. */
  readonly degrees: number
  /** To the right and down, in pixels. */
  readonly translate: readonly [x: number, y: number]
  readonly scale: number
  /** In degrees, along the rows. */
  readonly shear: number
}

/**
 * A picture turned, moved, resized and slanted, with bilinear filtering; black where it has nothing. Source: `affine` of torchvision,
 * for tensors.
 *
 * @param isGrey whether the samples of each pixel are equal: then one is computed.
 */
export function affine(image: RawImage, placement: Placement, isGrey = false): RawImage {
  const { data, width, height } = image
  const [xx, xy, x0, yx, yy, y0] = inverse(placement)
  const moved = new Uint8Array(data.length)
  const computed = isGrey ? 1 : CHANNELS
  let to = 0
  for (let y = 0; y < height; y++) {
    const down = y + 0.5 - height / 2
    for (let x = 0; x < width; x++, to += CHANNELS) {
      const right = x + 0.5 - width / 2
      const sourceX = xx * right + xy * down + x0 + width / 2 - 0.5
      const sourceY = yx * right + yy * down + y0 + height / 2 - 0.5
      const left = Math.floor(sourceX)
      const top = Math.floor(sourceY)
      if (left < -1 || top < -1 || left >= width || top >= height) continue
      const fx = sourceX - left
      const fy = sourceY - top
      const hasTop = top >= 0 ? 1 - fy : 0
      const hasBottom = top + 1 < height ? fy : 0
      const hasLeft = left >= 0 ? 1 - fx : 0
      const hasRight = left + 1 < width ? fx : 0
      const above = (top * width + left) * CHANNELS
      const below = above + width * CHANNELS
      for (let channel = 0; channel < computed; channel++) {
        // What lies outside has no weight, whatever number stands there.
        const upper = hasLeft * (data[above + channel] ?? 0) + hasRight * (data[above + CHANNELS + channel] ?? 0)
        const lower = hasLeft * (data[below + channel] ?? 0) + hasRight * (data[below + CHANNELS + channel] ?? 0)
        moved[to + channel] = toEven(hasTop * upper + hasBottom * lower)
      }
      if (isGrey) moved[to + 1] = moved[to + 2] = moved[to] ?? 0
    }
  }
  return { width, height, data: moved }
}

/** Rounded, halves to the even neighbour. */
function toEven(value: number): number {
  const rounded = (value + 0.5) | 0 // the values here are not negative
  return rounded - value === 0.5 ? rounded & ~1 : rounded
}

/** From a place in the new picture to one in the old. Source: `_get_inverse_affine_matrix` of torchvision. */
function inverse({
  degrees,
  translate,
  scale,
  shear,
}: Placement): readonly [number, number, number, number, number, number] {
  const turn = (degrees * Math.PI) / 180
  const slant = Math.tan((shear * Math.PI) / 180)
  const [a, b] = [Math.cos(turn), -Math.cos(turn) * slant - Math.sin(turn)]
  const [c, d] = [Math.sin(turn), -Math.sin(turn) * slant + Math.cos(turn)]
  const [xx, xy, yx, yy] = [d / scale, -b / scale, -c / scale, a / scale]
  const [tx, ty] = translate
  return [xx, xy, -xx * tx - xy * ty, yx, yy, -yx * tx - yy * ty]
}
