import fc from 'fast-check'
import { histogramOf } from '../../../src/training/tensorboard/histogram-of.js'

it('every value is in the bucket whose limits are around it', () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 })
  fc.assert(
    fc.property(values, (all) => {
      const histogram = histogramOf(all)
      if (!histogram) throw new Error('nothing')
      const { min, limits, buckets, count } = histogram
      expect(count).toBe(all.length)
      for (const [i, limit] of limits.entries()) {
        const start = i === 0 ? min : (limits[i - 1] ?? NaN)
        const isLast = i === limits.length - 1
        const within = all.filter((value) => value > start + 1e-9 && (isLast || value < limit - 1e-9)).length
        const atLimit = all.filter((value) => Math.abs(value - start) <= 1e-9 || Math.abs(value - limit) <= 1e-9).length
        expect(buckets[i]).toBeGreaterThanOrEqual(within)
        expect(buckets[i]).toBeLessThanOrEqual(within + atLimit)
      }
      expect(buckets.reduce((sum, n) => sum + n, 0)).toBe(all.length)
    }),
  )
})

it('one value fills one bucket', () => {
  expect(histogramOf([3, 3])).toEqual({
    min: 3,
    max: 3,
    count: 2,
    sum: 6,
    sumOfSquares: 18,
    limits: [3],
    buckets: Float64Array.of(2),
  })
})
