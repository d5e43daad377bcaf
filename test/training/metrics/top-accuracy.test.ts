import { InputError } from '../../../src/errors.js'
import { topAccuracy } from '../../../src/training/metrics/top-accuracy.js'
import { cases, matrix } from './reference.js'

const { logits, labels, accuracy } = cases.classifier

it('of one is the accuracy, of all classes is 1', async () => {
  const top = await topAccuracy(matrix(logits), labels)
  expect(top[1]).toBeCloseTo(accuracy, 12)
  expect(top[5]).toBe(1)
})

it.each([[[5]], [[-1]], [[0.5]], [[0, 1]]])('refuses labels %j of a row of two', async (wrong) => {
  await expect(topAccuracy(matrix([[1, 2]]), wrong)).rejects.toThrow(InputError)
})
