/** How values are spread. */
export interface Histogram {
  readonly min: number
  readonly max: number
  readonly count: number
  readonly sum: number
  readonly sumOfSquares: number
  /** Where each bucket ends; the first begins at `min`. */
  readonly limits: readonly number[]
  /** How many values each has. */
  readonly buckets: Float64Array
}

/**
 * Spreads values over buckets of equal width from the least to the greatest; a value at a limit belongs to the bucket after it, the
 * greatest to the last. Non-finite values are skipped.
 *
 * @returns undefined if nothing is left
 */
export function histogramOf(values: ArrayLike<number>, bucketCount = 30): Histogram | undefined {
  let [min, max, count, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0, 0]
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN
    if (!Number.isFinite(value)) continue
    min = Math.min(min, value)
    max = Math.max(max, value)
    sum += value
    sumOfSquares += value * value
    count++
  }
  if (count === 0) return undefined
  const used = max > min ? bucketCount : 1
  const buckets = new Float64Array(used)
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN
    if (!Number.isFinite(value)) continue
    const place = used === 1 ? 0 : Math.min(used - 1, Math.floor(((value - min) / (max - min)) * used))
    buckets[place] = (buckets[place] ?? 0) + 1
  }
  const limits = Array.from(buckets, (_, i) => (i === used - 1 ? max : min + ((max - min) * (i + 1)) / used))
  return { min, max, count, sum, sumOfSquares, limits, buckets }
}
