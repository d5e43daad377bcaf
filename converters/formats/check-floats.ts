import { WeightsError } from '../../src/errors.js'
import type { WeightInfo } from './weights.js'

/**
 * Whole numbers where a model has floats are codes of a quantized model: they would be read, and mean nothing.
 *
 * @param tensors a model's, by their names.
 * @throws WeightsError for whole numbers among them.
 */
export function checkFloats(tensors: Iterable<readonly [string, Pick<WeightInfo, 'dtype'>]>, where: string): void {
  const whole = [...tensors].filter(([, { dtype }]) => /^([UI]\d|BOOL)/.test(dtype))
  const [first] = whole
  if (!first) return
  const [name, { dtype }] = first
  const more = whole.length > 1 ? `, and ${whole.length - 1} more like it` : ''
  throw new WeightsError('The weights have another dtype', {
    expected: 'F32, F16, BF16 or another type of floats',
    found: `${name} of type ${dtype}${more}`,
    where,
    hint: 'Take the checkpoint that is not quantized.',
  })
}
