/** The number with the fewest digits that a float32 rounds back to: 0.1 for 0.10000000149011612. */
export function shortestFloat32(value: number): number {
  const single = Math.fround(value)
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits))
    if (Math.fround(short) === single) return short
  }
  return Number(single.toPrecision(9)) // always enough; NaN and infinities stay what they are
}
