/** Rounds as Python's `round` does: halves go to the even neighbour. */
export function halfToEven(value: number): number {
  const floor = Math.floor(value)
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value)
}
