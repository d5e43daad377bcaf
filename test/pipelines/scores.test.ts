import fc from 'fast-check'
import { sigmoid, softmax } from '../../src/pipelines/scores.js'

it('softmax adds up to one, keeps the order, and takes logits of any size', () => {
  const logits = fc.array(fc.double({ min: -1e30, max: 1e30, noNaN: true }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(logits, (values) => {
      const scores = softmax(values)
      expect(scores.reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 10)
      values.forEach((a, i) => {
        values.forEach((b, j) => {
          if (a > b) expect(scores[i]).toBeGreaterThanOrEqual(scores[j] ?? NaN)
        })
      })
    }),
  )
})

it('softmax of two is the sigmoid of their difference', () => {
  const logit = fc.double({ min: -50, max: 50, noNaN: true })
  fc.assert(
    fc.property(logit, logit, (a, b) => {
      expect(softmax([a, b])[0]).toBeCloseTo(sigmoid(a - b), 10)
    }),
  )
})

it('softmax takes 200,000 logits', () => {
  const scores = softmax(Array.from({ length: 200_000 }, (_, i) => (i === 7 ? 50 : 0)))
  expect(scores.indexOf(Math.max(scores[7] ?? 0, scores[8] ?? 0))).toBe(7)
  expect(scores.reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 10)
})
