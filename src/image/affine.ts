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
 */
export function affine(image: RawImage, placement: Placement): RawImage {
  const { data, width, height } = image
  const [xx, xy, x0, yx, yy, y0] = inverse(placement)
  const moved = new Uint8Array(data.length)
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
      const [fx, fy] = [sourceX - left, sourceY - top]
      const [hasLeft, hasRight] = [left >= 0 ? 1 - fx : 0, left + 1 < width ? fx : 0]
      const [hasTop, hasBottom] = [top >= 0 ? 1 - fy : 0, top + 1 < height ? fy : 0]
      const from = (top * width + left) * CHANNELS
      for (let channel = 0; channel < CHANNELS; channel++) {
        const above = from + channel
        const below = above + width * CHANNELS
        const upper = hasLeft * (data[above] ?? 0) + hasRight * (data[above + CHANNELS] ?? 0)
        const lower = hasLeft * (data[below] ?? 0) + hasRight * (data[below + CHANNELS] ?? 0)
        moved[to + channel] = toEven(hasTop * upper + hasBottom * lower)
      }
    }
  }
  return { width, height, data: moved }
}

/** Rounded, halves to the even neighbour. */
function toEven(value: number): number {
  const rounded = Math.round(value)
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded
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
