import { InputError } from '../../errors.js'
import { convolveColumns, convolveRows } from './convolve.js'
import { CHANNELS, checkRawImage, checkSide, MAX_PIXELS, type RawImage } from '../raw-image.js'
import { isResampling, kernels, Resampling } from './resampling.js'
import { pillowPrecision, resamplingWeights, torchPrecision } from './resampling-weights.js'

/** Whose arithmetic a resize follows. */
export type ResizeBackend = 'pillow' | 'torchvision'

/** Options of `resize`. */
export interface ResizeOptions {
  /** In pixels. */
  readonly width: number
  /** In pixels. */
  readonly height: number
  /** The filter; `Resampling.BICUBIC` by default, as in Pillow. */
  readonly resample?: Resampling
  /**
   * Equal to the bit to Pillow's `Image.resize` (`'pillow'`, the default), or to torchvision's `resize` of 8-bit tensors with
   * antialiasing, which rounds the weights to 16 bits.
   */
  readonly backend?: ResizeBackend
}

/**
 * Resizes an image in fixed-point arithmetic: first along the rows, then along the columns; the other way round, as Pillow has
 * it since its version 13, if the height loses more than twice as many pixels as the width.
 *
 * @returns a new image.
 * @throws InputError if the image or an option is wrong, or if torchvision has no such filter (it has no box and no Hamming).
 */
export function resize(image: RawImage, options: ResizeOptions): RawImage {
  const { resample = Resampling.BICUBIC, backend = 'pillow' } = options
  const { width, height } = options
  checkRawImage(image, 'image')
  checkSide(width, 'width')
  checkSide(height, 'height')
  checkArea(width, height)
  checkFilter(resample, backend)
  if (image.width === width && image.height === height) return { width, height, data: image.data.slice() }
  if (resample === Resampling.NEAREST) {
    const index = backend === 'pillow' ? nearestOfPillow : nearestOfTorch
    return pick(image, index(image.width, width), index(image.height, height))
  }
  const kernel = kernels[resample]
  const precision = backend === 'pillow' ? pillowPrecision : torchPrecision
  const columns = width === image.width ? undefined : resamplingWeights(kernel, image.width, width, precision)
  const rows = height === image.height ? undefined : resamplingWeights(kernel, image.height, height, precision)
  if (backend === 'pillow' && image.height - height > Math.max(0, 2 * (image.width - width))) {
    const shrunk = rows ? convolveColumns(image.data, image.width, 0, rows) : image.data
    return { width, height, data: columns ? convolveRows(shrunk, image.width, 0, height, columns) : shrunk }
  }
  const { first, end } = rows ? rowsOf(rows) : { first: 0, end: height }
  checkArea(width, end - first) // what lies between the two passes
  const narrowed = columns ? convolveRows(image.data, image.width, first, end - first, columns) : image.data
  return { width, height, data: rows ? convolveColumns(narrowed, width, columns ? first : 0, rows) : narrowed }
}

/** Checks the number of pixels before memory is allocated. @throws InputError */
function checkArea(width: number, height: number): void {
  if (width * height <= MAX_PIXELS) return
  throw new InputError('The target is too large', {
    expected: `at most ${MAX_PIXELS} pixels`,
    found: `${width} × ${height}`,
    where: 'width × height',
  })
}

/** The rows of the source that any target row is made of. */
function rowsOf({ start, count }: { start: Int32Array; count: Int32Array }): { first: number; end: number } {
  return { first: start[0] ?? 0, end: (start.at(-1) ?? 0) + (count.at(-1) ?? 0) }
}

/** The source pixel of each target pixel, as in `ImagingScaleAffine` of Pillow's `Geometry.c`: the steps are added up. */
function nearestOfPillow(from: number, to: number): Int32Array {
  const step = from / to
  const index = new Int32Array(to)
  let position = step * 0.5
  for (let target = 0; target < to; target++, position += step) index[target] = position
  return index
}

/** As in `HelperInterpNearestExact` of PyTorch's `UpSampleKernel.cpp`: in single precision, with a fused multiplication. */
function nearestOfTorch(from: number, to: number): Int32Array {
  const step = Math.fround(from / to)
  return Int32Array.from({ length: to }, (_, target) => {
    const position = Math.max(Math.fround((target + 0.5) * step - 0.5), 0)
    return Math.min(Math.fround(position + 0.5), from - 1)
  })
}

/** The image of the chosen columns and rows; one that rounding put past the edge stays black, as in Pillow. */
function pick(image: RawImage, columns: Int32Array, rows: Int32Array): RawImage {
  const width = columns.length
  const height = rows.length
  const data = new Uint8Array(width * height * CHANNELS)
  let to = 0
  for (const row of rows) {
    for (const column of columns) {
      if (row < image.height && column < image.width) {
        const from = (row * image.width + column) * CHANNELS
        data.set(image.data.subarray(from, from + CHANNELS), to)
      }
      to += CHANNELS
    }
  }
  return { width, height, data }
}

function checkFilter(resample: unknown, backend: unknown): void {
  const filters: readonly unknown[] =
    backend === 'torchvision'
      ? [Resampling.NEAREST, Resampling.LANCZOS, Resampling.BILINEAR, Resampling.BICUBIC]
      : Object.values(Resampling)
  if (backend !== 'pillow' && backend !== 'torchvision') {
    throw new InputError('Invalid backend', {
      expected: '"pillow" or "torchvision"',
      found: String(backend),
      where: 'backend',
    })
  }
  if (isResampling(resample) && filters.includes(resample)) return
  throw new InputError(`Filter not supported by ${backend}`, {
    expected: `one of ${filters.join(', ')}`,
    found: String(resample),
    where: 'resample',
    hint: 'The numbers are Pillow’s: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming.',
  })
}
