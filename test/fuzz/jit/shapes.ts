import type { Dice } from './dice.js'

export type Shape = readonly number[]

export const sizeOf = (shape: Shape): number => shape.reduce((size, n) => size * n, 1)

/** Sizes at which the engine's vectors, tiles and blocks begin and end, and their neighbours. */
export const SIZES = [
  ...[1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 8, 9, 12, 15, 16, 16, 17, 24, 31],
  ...[32, 32, 33, 48, 63, 64, 64, 65, 96, 100, 127, 128, 130],
]

/** Few sizes a program, so that shapes meet. */
const ALPHABETS: readonly Shape[] = [
  ...[[4], [2, 4], [3, 5], [8, 16], [1, 7], [4, 64], [8, 64], [16, 32], [1, 4, 16], [2, 3]],
  ...[[33, 3], [8, 1, 65], [6], [1, 2, 130], [2, 0, 3], [1, 3, 4, 0]],
]

export const alphabetOf = (dice: Dice): Shape => (dice.chance(0.3) ? SIZES : dice.pick(ALPHABETS))

/** The most elements that an input or a result has. */
export const LIMIT = 30_000

/** A shape of rank 0 to 6. */
export function shapeOf(dice: Dice, alphabet: Shape): Shape {
  for (;;) {
    const rank = dice.pick([0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6])
    const shape = Array.from({ length: rank }, () => dice.pick(alphabet))
    if (sizeOf(shape) <= (dice.chance(0.05) ? LIMIT : 6000)) return shape
  }
}

/** The shape of both together when dimensions of 1 repeat; nothing if they don't fit. */
export function together(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length)
  const shape: number[] = []
  for (let i = 0; i < rank; i++) {
    const [m, n] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1]
    if (m !== n && m !== 1 && n !== 1) return undefined
    shape.push(m === 1 ? n : m)
  }
  return shape
}

export const axesOf = (shape: Shape): number[] => shape.map((_, i) => i)

/** One or more of the axes, some from the end, in any order. */
export function someAxes(dice: Dice, shape: Shape): number[] {
  const count = dice.chance(0.6) ? 1 : 1 + dice.roll(shape.length)
  const axes = dice.shuffled(axesOf(shape)).slice(0, count)
  return dice.chance(0.15) ? axes.map((axis) => axis - shape.length) : axes
}

/** An order of the axes; the last one mostly stays. */
export function permutation(dice: Dice, shape: Shape): number[] {
  const axes = axesOf(shape)
  if (dice.chance(0.35)) return dice.shuffled(axes)
  return [...dice.shuffled(axes.slice(0, -1)), ...axes.slice(-1)]
}

export const divisorsOf = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => i + 1).filter((divisor) => n % divisor === 0)

/** Another shape of as many elements. */
export function reshaped(dice: Dice, shape: Shape): number[] {
  let left = sizeOf(shape)
  if (left === 0) return dice.shuffled(shape)
  const factors: number[] = []
  for (let i = 0; i < 3; i++) {
    const factor = dice.pick(divisorsOf(left).filter((n) => n <= 130))
    factors.push(factor)
    left /= factor
  }
  return dice.shuffled([...factors, left].filter((n) => n > 1 || dice.chance(0.2)))
}
