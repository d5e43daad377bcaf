import { simdConvolve } from './convolve-simd.js'
import type { ResamplingWeights } from './resampling-weights.js'

/**
 * One pass along the rows: `rows` rows of the source from `firstRow` on, `sourceWidth` pixels each, become as many rows of
 * `weights.start.length` pixels. Three bytes a pixel.
 */
export function convolveRows(
  source: Uint8Array,
  sourceWidth: number,
  firstRow: number,
  rows: number,
  weights: ResamplingWeights,
): Uint8Array {
  return (
    simdConvolve()?.rows(source, sourceWidth, firstRow, rows, weights) ??
    scalarRows(source, sourceWidth, firstRow, rows, weights)
  )
}

/** One pass along the columns: `firstRow` is the row of the whole image that `source` begins with. */
export function convolveColumns(
  source: Uint8Array,
  width: number,
  firstRow: number,
  weights: ResamplingWeights,
): Uint8Array {
  return simdConvolve()?.columns(source, width, firstRow, weights) ?? scalarColumns(source, width, firstRow, weights)
}

/**
 * `convolveRows` without vectors: what `convolve.wat` must equal, and what runs where it cannot.
 *
 * The inner loops of both passes take most of a resize's time: the sums are in registers, and one weight is read for all of
 * them; here two rows go together. Every index is in bounds; `?? 0` is for the compiler, and costs nothing at run time.
 */
export function scalarRows(
  source: Uint8Array,
  sourceWidth: number,
  firstRow: number,
  rows: number,
  { start, count, weights, stride, precision }: ResamplingWeights,
): Uint8Array {
  const width = start.length
  const target = new Uint8ClampedArray(rows * width * 3)
  const half = 1 << (precision - 1)
  for (let row = 0; row < rows; row += 2) {
    const from = (firstRow + row) * sourceWidth
    const below = row + 1 < rows ? 1 : 0 // an odd last row goes together with itself
    const sourceGap = below * sourceWidth * 3
    const targetGap = below * width * 3
    for (let x = 0, to = row * width * 3; x < width; x++, to += 3) {
      let upper = (from + (start[x] ?? 0)) * 3
      let at = x * stride
      const end = at + (count[x] ?? 0)
      let red = half
      let green = half
      let blue = half
      let redBelow = half
      let greenBelow = half
      let blueBelow = half
      for (; at < end; at++, upper += 3) {
        const weight = weights[at] ?? 0
        const lower = upper + sourceGap
        red = (red + weight * (source[upper] ?? 0)) | 0
        green = (green + weight * (source[upper + 1] ?? 0)) | 0
        blue = (blue + weight * (source[upper + 2] ?? 0)) | 0
        redBelow = (redBelow + weight * (source[lower] ?? 0)) | 0
        greenBelow = (greenBelow + weight * (source[lower + 1] ?? 0)) | 0
        blueBelow = (blueBelow + weight * (source[lower + 2] ?? 0)) | 0
      }
      target[to] = red >> precision
      target[to + 1] = green >> precision
      target[to + 2] = blue >> precision
      target[to + targetGap] = redBelow >> precision
      target[to + targetGap + 1] = greenBelow >> precision
      target[to + targetGap + 2] = blueBelow >> precision
    }
  }
  return new Uint8Array(target.buffer)
}

/** `convolveColumns` without vectors. */
export function scalarColumns(
  source: Uint8Array,
  width: number,
  firstRow: number,
  { start, count, weights, stride, precision }: ResamplingWeights,
): Uint8Array {
  const height = start.length
  const rowLength = width * 3
  const target = new Uint8ClampedArray(height * rowLength)
  const half = 1 << (precision - 1)
  for (let y = 0; y < height; y++) {
    const from = ((start[y] ?? 0) - firstRow) * rowLength
    const first = y * stride
    const end = first + (count[y] ?? 0)
    const to = y * rowLength
    for (let i = 0; i < rowLength; i += 3) {
      let red = half
      let green = half
      let blue = half
      for (let at = first, sample = from + i; at < end; at++, sample += rowLength) {
        const weight = weights[at] ?? 0
        red = (red + weight * (source[sample] ?? 0)) | 0
        green = (green + weight * (source[sample + 1] ?? 0)) | 0
        blue = (blue + weight * (source[sample + 2] ?? 0)) | 0
      }
      target[to + i] = red >> precision
      target[to + i + 1] = green >> precision
      target[to + i + 2] = blue >> precision
    }
  }
  return new Uint8Array(target.buffer)
}
