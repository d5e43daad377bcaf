import { InputError } from '../../errors.js'
import type { NdArray } from '../../nd-array.js'

/** The most values a batch may have: 4 GiB of float32. */
const MAX_VALUES = 2 ** 30

/** Zeros for a batch, the first number of the shape. @throws InputError if it would be too large. */
export function allocateValues(shape: readonly number[]): NdArray<Float32Array> {
  const length = shape.reduce((product, size) => product * size, 1)
  if (length <= MAX_VALUES) return { data: new Float32Array(length), shape }
  throw new InputError('The batch is too large', {
    expected: `at most ${MAX_VALUES} values`,
    found: shape.join(' × '),
    hint: 'Give fewer images at once.',
  })
}
