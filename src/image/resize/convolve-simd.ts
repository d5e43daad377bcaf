import { CONVOLVE_WASM } from './convolve-wasm.js'
import type { ResamplingWeights } from './resampling-weights.js'

/** One pass over pixels, written by `fill` and read back as a copy. */
export interface SimdConvolve {
  /** As `convolveRows` in convolve.ts; undefined if it takes more memory than this module has. */
  rows(
    source: Uint8Array,
    sourceWidth: number,
    firstRow: number,
    rows: number,
    weights: ResamplingWeights,
  ): Uint8Array | undefined
  /** As `convolveColumns`; undefined also if a row is shorter than a vector. */
  columns(source: Uint8Array, width: number, firstRow: number, weights: ResamplingWeights): Uint8Array | undefined
}

/** What a pass reads besides the pixels. */
type LaidOutWeights = Pick<ResamplingWeights, 'start' | 'count' | 'weights'>

type Pass = (...numbers: number[]) => void

/** What the module keeps, once it has grown; larger images are resized without it. */
const MAX_BYTES = 64 * 2 ** 20
const PAGE = 2 ** 16

let made: SimdConvolve | null | undefined

/** The passes on vectors of WebAssembly; undefined where a page forbids it or an old browser lacks it. */
export function simdConvolve(): SimdConvolve | undefined {
  if (made === undefined) made = make()
  return made ?? undefined
}

function make(): SimdConvolve | null {
  let instance: WebAssembly.Instance
  try {
    const bytes = Uint8Array.from(atob(CONVOLVE_WASM), (letter) => letter.charCodeAt(0))
    instance = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  } catch {
    return null
  }
  const { memory, rows, columns } = instance.exports
  if (!(memory instanceof WebAssembly.Memory) || !isPass(rows) || !isPass(columns)) return null

  /** Lays everything out in memory, runs a pass, and copies its target out. */
  const run = (
    source: Uint8Array,
    { start, count, weights }: LaidOutWeights,
    size: number,
    pass: (source: number, start: number, count: number, weights: number, target: number) => void,
  ): Uint8Array | undefined => {
    const countAt = start.byteLength
    const weightsAt = countAt + count.byteLength
    const sourceAt = weightsAt + weights.byteLength
    const target = sourceAt + source.length + 16 // a pixel is read as four bytes
    if (target + size > MAX_BYTES) return undefined
    const lacking = target + size - memory.buffer.byteLength
    if (lacking > 0) memory.grow(Math.ceil(lacking / PAGE))
    new Int32Array(memory.buffer, 0, start.length).set(start)
    new Int32Array(memory.buffer, countAt, count.length).set(count)
    new Int32Array(memory.buffer, weightsAt, weights.length).set(weights)
    const bytes = new Uint8Array(memory.buffer)
    bytes.set(source, sourceAt)
    pass(sourceAt, 0, countAt, weightsAt, target)
    return bytes.slice(target, target + size)
  }

  return {
    rows: (source, sourceWidth, firstRow, height, weights) => {
      const { start, precision } = weights
      const width = start.length
      const rowBytes = sourceWidth * 3
      const pairs = weightPairs(weights)
      const part = source.subarray(firstRow * rowBytes, (firstRow + height) * rowBytes)
      return run(part, pairs, height * width * 3, (from, starts, counts, factors, target) => {
        rows(from, rowBytes, height, starts, counts, factors, pairs.stride, width, precision, target)
      })
    },
    columns: (source, width, firstRow, weights) => {
      const { start, stride, precision } = weights
      const height = start.length
      const rowBytes = width * 3
      if (rowBytes < 16) return undefined
      return run(source, weights, height * rowBytes, (from, starts, counts, factors, target) => {
        columns(from, rowBytes, firstRow, starts, counts, factors, stride, height, precision, target)
      })
    },
  }
}

/** The weights of two neighbours in 16 bits each, first the parts above the twelfth bit and then the twelve bits themselves. */
function weightPairs({
  start,
  count,
  weights,
  stride,
}: ResamplingWeights): LaidOutWeights & { readonly stride: number } {
  const width = start.length
  const pairStride = (stride + 1) >> 1
  const pairs = new Int32Array(width * pairStride * 2)
  for (let x = 0, to = 0; x < width; x++) {
    for (let at = 0; at < stride; at += 2, to += 2) {
      const first = weights[x * stride + at] ?? 0
      const second = at + 1 < stride ? (weights[x * stride + at + 1] ?? 0) : 0
      pairs[to] = ((first >> 12) & 0xffff) | ((second >> 12) << 16)
      pairs[to + 1] = (first & 0xfff) | ((second & 0xfff) << 16)
    }
  }
  return { start, count: count.map((pixels) => (pixels + 1) >> 1), weights: pairs, stride: pairStride }
}

function isPass(value: unknown): value is Pass {
  return typeof value === 'function'
}
