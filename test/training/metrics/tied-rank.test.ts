import fc from 'fast-check'
import { InputError } from '../../../src/errors.js'
import { probabilityWithin, tiedRank } from '../../../src/training/metrics/tied-rank.js'

const rows = fc.array(fc.record({ score: fc.integer({ min: 0, max: 3 }), isRight: fc.boolean() }), {
  minLength: 1,
  maxLength: 6,
})

/** All orders of the places that put higher scores first. */
function ordersOf(scores: readonly number[]): readonly (readonly number[])[] {
  if (scores.every((score) => score === -1)) return [[]]
  const best = Math.max(...scores)
  return scores.flatMap((score, place) =>
    score === best ? ordersOf(scores.map((s, i) => (i === place ? -1 : s))).map((rest) => [place, ...rest]) : [],
  )
}

it('the probability is the share of the possible orders', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 6 }), (row, k) => {
      const orders = ordersOf(row.map(({ score }) => score))
      const found = orders.filter((order) => order.slice(0, k).some((place) => row[place]?.isRight))
      const scores = Float32Array.from(row, ({ score }) => score)
      const rank = tiedRank(scores, (place) => row[place]?.isRight ?? false)
      expect(probabilityWithin(k, rank)).toBeCloseTo(found.length / orders.length, 9)
    }),
  )
})

it('a score that is NaN has no rank, right or wrong', () => {
  for (const scores of [
    [1, NaN],
    [NaN, 1],
    [NaN, NaN],
  ]) {
    for (const right of [0, 1])
      expect(() => tiedRank(Float32Array.from(scores), (i) => i === right)).toThrow(InputError)
  }
})
