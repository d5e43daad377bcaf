import { WeightsError } from '../../src/errors.js'
import type { FloatDtype } from './float-conversion.js'

/** Values read from a tensor or a file. */
type Values = Float32Array | Int32Array | Uint8Array

/** Elements that are checked together. */
const BLOCK = 2 ** 14

/** From here on a number is infinite once it is rounded to the type: half a step above the largest. */
const overflows: Readonly<Record<FloatDtype, number>> = {
  F64: Infinity,
  F32: Infinity,
  F16: 65_520,
  BF16: 2 ** 128 - 2 ** 119,
}

/** The index of the first value that is NaN, infinite or, rounded to `dtype`, becomes infinite; -1 if there is none. */
export function firstNonFinite(values: Values, dtype: FloatDtype = 'F32'): number {
  const limit = overflows[dtype]
  // Through a small array: Node's own memory of whole pages is slow to reach element by element, and fast to copy.
  const block = new Float32Array(Math.min(BLOCK, values.length))
  for (let from = 0; from < values.length; from += BLOCK) {
    const count = Math.min(BLOCK, values.length - from)
    block.set(values.subarray(from, from + count))
    for (let i = 0; i < count; i++) if (!(Math.abs(block[i] ?? NaN) < limit)) return from + i
  }
  return -1
}

/**
 * Checks that a weight can be computed with.
 *
 * @param name the weight's
 * @param where the file it comes from
 * @param dtype the type it is about to be written in, which may be too narrow for it. Default: F32.
 * @throws WeightsError naming the first value that is NaN, infinite or too large
 */
export function checkFinite(values: Values, name: string, where: string, dtype?: FloatDtype): void {
  const index = firstNonFinite(values, dtype)
  if (index >= 0) throw nonFiniteWeight(values[index] ?? NaN, index, name, where, dtype)
}

/** The error for a value that no weight has. */
export function nonFiniteWeight(
  value: number,
  index: number,
  name: string,
  where: string,
  dtype: FloatDtype = 'F32',
): WeightsError {
  const isTooLarge = Number.isFinite(value)
  return new WeightsError(isTooLarge ? `A weight is too large for ${dtype}` : 'A weight is not a finite number', {
    expected: isTooLarge ? `numbers below ${overflows[dtype]}` : 'finite numbers',
    found: `${value} at index ${index} of ${name}`,
    where,
    hint: isTooLarge
      ? 'Keep it as float32, or take bfloat16.'
      : 'The training that made it has diverged, or the file is damaged: take another checkpoint.',
  })
}
