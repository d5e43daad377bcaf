import { InputError } from '../../errors.js'
import type { Kernel } from './resampling.js'

/** Which source pixels make each target pixel along one axis, and by how much, as whole multiples of 2^−precision. */
export interface ResamplingWeights {
  /** Per target pixel: its first source pixel. */
  readonly start: Int32Array
  /** Per target pixel: how many source pixels it has. */
  readonly count: Int32Array
  /** Per target pixel, `stride` apart: the weights. */
  readonly weights: Int32Array
  readonly stride: number
  readonly precision: number
}

/** How a library turns weights that add up to 1 into whole numbers. */
export type Precision = (largest: number) => number

/** Pillow's: 8 bits for the pixel, 2 for sums beyond 1, the rest of 32 for the weight. */
export const pillowPrecision: Precision = () => 32 - 8 - 2

/** PyTorch's (`UpSampleKernel.cpp`): as many bits as keep the largest weight within 16. */
export const torchPrecision: Precision = (largest) => {
  let precision = 0
  while (precision < 22 && Math.trunc(0.5 + largest * 2 ** (precision + 1)) < 2 ** 15) precision++
  return precision
}

/** The most weights of one axis: 512 MiB while they are made, enough for eleven million pixels in a row. */
const MAX_WEIGHTS = 2 ** 26

/** The weights that resize `from` pixels to `to` pixels (`precompute_coeffs` in Pillow's `Resample.c`). @throws InputError */
export function resamplingWeights(kernel: Kernel, from: number, to: number, precisionOf: Precision): ResamplingWeights {
  const scale = from / to
  const stretch = Math.max(scale, 1)
  const support = kernel.support * stretch
  const stride = Math.min(Math.ceil(support) * 2 + 1, from)
  if (to * stride > MAX_WEIGHTS) {
    throw new InputError('The image is too long to be resized', {
      expected: `at most ${MAX_WEIGHTS} weights`,
      found: `${to * stride} for ${from} pixels`,
      hint: 'Split the image.',
    })
  }
  const start = new Int32Array(to)
  const count = new Int32Array(to)
  const exact = new Float64Array(to * stride)
  let largest = 0
  for (let target = 0; target < to; target++) {
    const center = (target + 0.5) * scale
    const first = Math.max(Math.trunc(center - support + 0.5), 0)
    const size = Math.min(Math.trunc(center + support + 0.5), from) - first
    const row = target * stride
    let sum = 0
    for (let i = 0; i < size; i++) {
      const weight = kernel.weight((i + first - center + 0.5) * (1 / stretch))
      exact[row + i] = weight
      sum += weight
    }
    for (let i = row; i < row + size; i++) {
      const weight = (exact[i] ?? 0) / (sum === 0 ? 1 : sum)
      exact[i] = weight
      if (weight > largest) largest = weight
    }
    start[target] = first
    count[target] = size
  }
  const precision = precisionOf(largest)
  const weights = new Int32Array(exact.length)
  for (let i = 0; i < weights.length; i++) {
    const weight = exact[i] ?? 0
    weights[i] = weight * 2 ** precision + (weight < 0 ? -0.5 : 0.5)
  }
  return { start, count, weights, stride, precision }
}
