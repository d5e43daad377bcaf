import { InputError } from '../../../src/errors.js'
import { averagePrecision, meanAveragePrecision } from '../../../src/training/metrics/average-precision.js'
import { cases, matrix } from './reference.js'

const { scores, targets, classes, mean } = cases.average_precision

it('is scikit-learn’s average_precision_score, with many equal scores', async () => {
  const found = await meanAveragePrecision(matrix(scores), matrix(targets))
  expect(found.mean).toBeCloseTo(mean, 12)
  expect(found.classes).toHaveLength(classes.length)
  for (const [i, value] of found.classes.entries()) expect(value).toBeCloseTo(classes[i] ?? NaN, 12)
})

it('leaves classes that apply to nothing out of the mean', async () => {
  const found = await meanAveragePrecision(matrix([[1, 2]]), matrix([[1, 0]]))
  expect(found).toEqual({ mean: 1, classes: [1, undefined] })
  expect(averagePrecision([], [])).toBeUndefined()
})

it('refuses shapes that do not go together', async () => {
  expect(() => averagePrecision([1], [])).toThrow(InputError)
  expect(() => averagePrecision([1, NaN], [1, 0])).toThrow(/found NaN \(score 1\)/)
  await expect(meanAveragePrecision(matrix([[1]]), matrix([[1, 0]]))).rejects.toThrow(InputError)
})
