/** A source of whole numbers from 0 up to `limit`, not including it: the same for the same seed. */
export type Dice = (limit: number) => number

// Looked up once: each global costs time under jest.
const { floor, imul } = Math

/** mulberry32. */
export function dice(seed: number): Dice {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + imul(bits ^ (bits >>> 7), bits | 61)
    return floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}
