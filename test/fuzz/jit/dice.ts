import { dice } from '../../dice.js'

// Looked up once: each global costs time under jest.
const { cos, imul, log, PI, sqrt } = Math

/** What a seed decides. */
export class Dice {
  /** A whole number from 0 to below `limit`. */
  readonly roll: (limit: number) => number

  constructor(seed: number) {
    this.roll = dice(imul(seed + 1, 0x9e3779b1))
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.roll(1 << 24) < probability * (1 << 24)
  }

  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    const item = items[this.roll(items.length)]
    if (item === undefined) throw new RangeError('Nothing to pick from')
    return item
  }

  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items]
    return items.map(() => left.splice(this.roll(left.length), 1)).flat()
  }

  /** From −1 to 1, evenly. */
  signed(): number {
    return this.roll(1 << 24) / (1 << 23) - 1
  }

  /** Normally distributed, by Box and Muller. */
  normal(): number {
    const [a, b] = [1 - this.roll(1 << 24) / (1 << 24), this.roll(1 << 24) / (1 << 24)]
    return sqrt(-2 * log(a)) * cos(2 * PI * b)
  }
}
