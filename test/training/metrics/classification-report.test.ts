import { InputError } from '../../../src/errors.js'
import { classificationReport } from '../../../src/training/metrics/classification-report.js'
import { cases, matrix } from './reference.js'

const { logits, labels, ...expected } = cases.classifier

it('is scikit-learn’s, also of a class that never occurs', async () => {
  const { accuracy, confusion, classes } = await classificationReport(matrix(logits), labels)
  expect(accuracy).toBeCloseTo(expected.accuracy, 12)
  expect(confusion.map((row) => [...row])).toEqual(expected.confusion)
  expect(classes.map(({ support }) => support)).toEqual(expected.support)
  for (const [i, { precision, recall, f1 }] of classes.entries()) {
    expect(precision).toBeCloseTo(expected.precision[i] ?? NaN, 12)
    expect(recall).toBeCloseTo(expected.recall[i] ?? NaN, 12)
    expect(f1).toBeCloseTo(expected.f1[i] ?? NaN, 12)
  }
})

it('refuses so many classes that their table fills memory', async () => {
  const wide = { data: new Float32Array(2 ** 15), shape: [1, 2 ** 15] }
  await expect(classificationReport(wide, [0])).rejects.toThrow(InputError)
})
