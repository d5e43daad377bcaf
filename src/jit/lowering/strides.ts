import { tables } from '../../backend/engine/tables.js'

/** Where the elements of an array lie: a stride, in elements, for each dimension. */
export interface Layout {
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/** Strides of an array whose elements follow one another. */
export function denseStrides(shape: readonly number[]): readonly number[] {
  const strides: number[] = []
  shape.reduceRight((stride, size) => {
    strides.unshift(stride)
    return stride * size
  }, 1)
  return strides
}

export function isDense({ shape, strides }: Layout): boolean {
  const dense = denseStrides(shape)
  return shape.includes(0) || shape.every((size, i) => size === 1 || strides[i] === dense[i])
}

/** The same elements in the same order with as few dimensions as possible, none of them 1. */
export function collapsed({ shape, strides }: Layout): Layout {
  const sizes: number[] = []
  const steps: number[] = []
  shape.forEach((size, i) => {
    const stride = strides[i] ?? 0
    if (size === 1) return
    const [outer, step] = [sizes.at(-1), steps.at(-1)]
    if (outer !== undefined && step === stride * size) {
      sizes[sizes.length - 1] = outer * size
      steps[steps.length - 1] = stride
    } else {
      sizes.push(size)
      steps.push(stride)
    }
  })
  return { shape: sizes, strides: steps }
}

/** The strides of the same elements under another shape of as many; `undefined` if no strides say so. */
export function reshapedStrides(layout: Layout, shape: readonly number[]): readonly number[] | undefined {
  if (shape.includes(0)) return shape.map(() => 0)
  const { shape: sizes, strides } = collapsed(layout)
  const result: number[] = []
  let inner = sizes.length - 1
  /** What the dimension of the source still holds, and how far apart the next dimension's elements are in it. */
  let [left, stride] = [sizes[inner] ?? 1, strides[inner] ?? 0]
  for (const size of [...shape].reverse()) {
    if (left === 1 && size !== 1) {
      inner--
      left = sizes[inner] ?? 1
      stride = strides[inner] ?? 0
    }
    if (left % size !== 0) return undefined
    result.unshift(size === 1 ? 0 : stride)
    left /= size
    stride *= size
  }
  return result
}

/** The strides of a layout repeated to a larger shape. */
export function broadcastStrides({ shape, strides }: Layout, to: readonly number[]): readonly number[] {
  return to.map((_, i) => {
    const from = i - to.length + shape.length
    return (shape[from] ?? 1) === 1 ? 0 : (strides[from] ?? 0)
  })
}

/** Shapes are cut where an operand's strides change; all operands of a loop share the cuts. */
export class LoopShape {
  /** Sizes of what lies inside each cut, ascending: each divides the next. */
  #cuts: readonly number[]
  readonly #count: number
  /** No cut may lie inside a row of this many elements, except for a row of 1. */
  readonly #row: number

  constructor(count: number, row: number) {
    this.#count = count
    this.#row = row
    this.#cuts = row > 1 && row < count ? [row] : []
  }

  /** Makes the loop fit an operand; `false` and unchanged if it can't. */
  add(layout: Layout): boolean {
    const { shape } = collapsed(layout)
    const own: number[] = []
    shape.reduceRight((inside, size) => {
      if (inside > 1) own.push(inside)
      return inside * size
    }, 1)
    const cuts = [...new Set([...this.#cuts, ...own])].sort((a, b) => a - b)
    const nested = cuts.every((cut, i) => cut % (cuts[i - 1] ?? 1) === 0) && this.#count % (cuts.at(-1) ?? 1) === 0
    if (!nested || cuts.length >= MAX_DIMENSIONS || own.some((cut) => cut < this.#row)) return false
    this.#cuts = cuts
    return true
  }

  get shape(): readonly number[] {
    const sizes: number[] = []
    let inside = 1
    for (const cut of [...this.#cuts, this.#count]) {
      sizes.unshift(cut / inside)
      inside = cut
    }
    return sizes
  }
}

/** A view with the loop's dimensions. */
export function fitted<T extends Layout>(view: T, { shape }: LoopShape): T {
  const strides = reshapedStrides(view, shape)
  if (!strides) throw new RangeError('A loop does not fit its operand')
  return { ...view, shape, strides }
}

/** What the engine's loops have at most. */
export const MAX_DIMENSIONS = tables.limits.maxRank
