import * as tf from '@tensorflow/tfjs'
import { WeightsError } from '../../errors.js'
import { compareWeights } from '../../models/loading/compare-weights.js'

/** Copies tensors into the variables of the same names: all or, if one is missing, too much or misshapen, none. */
export function loadState(
  variables: ReadonlyMap<string, tf.Variable>,
  state: ReadonlyMap<string, tf.Tensor>,
  where: string,
): void {
  const shapes = (tensors: ReadonlyMap<string, tf.Tensor>): Map<string, number[]> =>
    new Map([...tensors].map(([name, { shape }]) => [name, shape]))
  const { missingKeys, unexpectedKeys, mismatchedKeys } = compareWeights(shapes(variables), shapes(state))
  const misshapen = mismatchedKeys.map(({ name }) => name)
  const faults = Object.entries({ missing: missingKeys, unexpected: unexpectedKeys, misshapen })
  const found = faults.flatMap(([what, names]) =>
    names.length > 0 ? [`${names.length} ${what}, e.g. ${names[0] ?? ''}`] : [],
  )
  if (found.length > 0) {
    throw new WeightsError('a state of something else', {
      expected: `${variables.size} tensors`,
      found: found.join('; '),
      where,
      hint: 'Load it with the model, the parameters and the groups that it was saved with.',
    })
  }
  for (const [name, variable] of variables) {
    const value = state.get(name)
    if (!value) continue
    tf.tidy(() => {
      variable.assign(tf.cast(value, 'float32'))
    })
  }
}
