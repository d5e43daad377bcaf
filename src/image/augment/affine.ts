import type { Covering } from './adjust-colour.js'
import { CHANNELS } from '../raw-image.js'

/** How an image is moved about its centre. */
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
 * An image turned, moved, resized and slanted, with bilinear filtering; where it has nothing it is black and covers nothing. Source:
 * `affine` of torchvision, for tensors.
 */
export function affine(covering: Covering, placement: Placement): Covering & { readonly coverage: Uint8Array } {
  const { width, height, data } = covering.colours
  const given = covering.coverage ?? new Uint8Array(width * height).fill(255)
  const [xx, xy, x0, yx, yy, y0] = inverse(placement)
  const moved = new Uint8Array(data.length)
  const coverage = new Uint8Array(given.length)
  for (let y = 0, to = 0; y < height; y++) {
    const down = y + 0.5 - height / 2
    for (let x = 0; x < width; x++, to++) {
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
      // What lies outside has no weight, whichever pixel stands for it.
      const above = Math.max(top, 0) * width
      const below = Math.min(top + 1, height - 1) * width
      const before = Math.max(left, 0)
      const after = Math.min(left + 1, width - 1)
      const [a, b, c, d] = [above + before, above + after, below + before, below + after]
      const upper = hasLeft * (given[a] ?? 0) + hasRight * (given[b] ?? 0)
      const lower = hasLeft * (given[c] ?? 0) + hasRight * (given[d] ?? 0)
      if (upper + lower === 0) continue
      coverage[to] = toEven(hasTop * upper + hasBottom * lower)
      for (let channel = 0; channel < CHANNELS; channel++) {
        const upper = hasLeft * (data[a * CHANNELS + channel] ?? 0) + hasRight * (data[b * CHANNELS + channel] ?? 0)
        const lower = hasLeft * (data[c * CHANNELS + channel] ?? 0) + hasRight * (data[d * CHANNELS + channel] ?? 0)
        moved[to * CHANNELS + channel] = toEven(hasTop * upper + hasBottom * lower)
      }
    }
  }
  return { colours: { width, height, data: moved }, coverage }
}

/** Rounded, halves to the even neighbour. */
function toEven(value: number): number {
  const rounded = (value + 0.5) | 0 // the values here are not negative
  return rounded - value === 0.5 ? rounded & ~1 : rounded
}

/** From a place in the new image to one in the old. Source: `_get_inverse_affine_matrix` of torchvision. */
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
