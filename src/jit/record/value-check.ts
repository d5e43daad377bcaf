import type { ValueCheck } from '../../backend/tracing.js'
import { TraceError } from '../../errors.js'
import { type Attributes, operation, type Value } from '../graph.js'

/** What has no elements, and is made once the values of a tensor have been checked. */
export function checkOf(value: Value, { summary, expected, whole, least, most, also }: ValueCheck): Value {
  const attributes: Attributes = {
    ...{ summary: { string: summary }, expected: { string: expected }, whole: { bool: whole } },
    ...(least > -Infinity && { least: { float: least } }),
    ...(most < Infinity && { most: { float: most } }),
    ...(also !== undefined && { also: { float: also } }),
  }
  const [checked] = operation('check', [value], [{ shape: [0], dtype: 'bool' }], attributes).outputs
  if (!checked) throw new TraceError('A check has no result')
  return checked
}
