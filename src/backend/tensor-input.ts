import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import { type AllowedValues, checkAtRuns, isAllowed, isTracing } from './tracing.js'
import type { NdArray } from '../nd-array.js'

/** What a model takes: a tensor, or the typed array with a shape that tokenizers and image processors return. */
export type TensorInput = tf.Tensor | NdArray

/**
 * Checks the values of an input: beyond their range, WebAssembly would read whatever lies there. A tensor on a GPU is not checked, as
 * reading it back is slow. While `jit` records, a tensor has no values: the recording checks them at each run.
 *
 * @throws {InputError} for a value that isn't allowed
 */
export function checkValues(
  input: TensorInput | undefined,
  name: string,
  allowed: AllowedValues,
  expected: string,
): void {
  const summary = `Invalid ${name}`
  if (isTensor(input) && isTracing()) {
    checkAtRuns(input, { ...allowed, summary, expected })
    return
  }
  if (!input || (isTensor(input) && tf.getBackend().startsWith('web'))) return
  const values: ArrayLike<number> = isTensor(input) ? input.dataSync<'int32'>() : input.data
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    if (!isAllowed(value, allowed)) throw new InputError(summary, { expected, found: `${value} at ${i}` })
  }
}

/**
 * A tensor of that type; to be called inside `tf.tidy`.
 * @throws {InputError}
 */
export function toTensor(input: unknown, name: string, dtype: 'float32' | 'int32'): tf.Tensor {
  checkTensorInput(input, name)
  if (isTensor(input)) return input.dtype === dtype ? input : tf.cast(input, dtype)
  return tf.tensor(input.data, [...input.shape], dtype)
}

/**
 * Token ids, positions or a mask as a tensor; to be called inside `tf.tidy`.
 * @param limit ids are below this
 * @param hint where they come from: a whole sentence, for the message
 * @throws {InputError} unless it is `[batch, length]` (or `[length]`, a batch of one) of whole numbers from 0 to `limit - 1`
 */
export function idTensor(
  input: TensorInput | undefined,
  name: string,
  limit: number,
  hint = 'SiglipTokenizer makes them.',
): tf.Tensor2D {
  const tensor = toTensor(input, name, 'int32')
  if ((tensor.rank !== 2 && tensor.rank !== 1) || tensor.size === 0) {
    throw new InputError(`Invalid ${name}`, { expected: '[batch, length]', found: describe(tensor), hint })
  }
  checkValues(input, name, { whole: true, least: 0, most: limit - 1 }, `whole numbers from 0 to ${limit - 1}`)
  const length = tensor.shape.at(-1) ?? 0
  return tensor.as2D(tensor.size / length, length)
}

/** @throws {InputError} for a tensor of another shape */
export function checkShape(name: string, { shape }: tf.Tensor, expected: readonly number[]): void {
  if (String(shape) === String(expected)) return
  throw new InputError(`Invalid ${name}`, { expected: `[${expected.join(', ')}]`, found: `[${shape.join(', ')}]` })
}

/** @throws {InputError} unless it is a living tensor of numbers, or a typed array with its shape */
export function checkTensorInput(input: unknown, name: string): asserts input is TensorInput {
  if (isTensor(input)) {
    if (input.isDisposed)
      throw new InputError(`Invalid ${name}`, { expected: 'a tensor', found: 'one that is disposed' })
    if (!['float32', 'int32', 'bool'].includes(input.dtype)) {
      throw new InputError(`Invalid ${name}`, { expected: 'a tensor of numbers', found: describe(input) })
    }
    return
  }
  if (!isNdArray(input)) {
    throw new InputError(`Invalid ${name}`, {
      expected: 'a tensor, or { data, shape } with a Float32Array or Int32Array',
      found: describeOther(input),
    })
  }
  const size = input.shape.reduce((product, n) => product * n, 1)
  if (size !== input.data.length) {
    throw new InputError(`Invalid ${name}`, {
      expected: `${size} values for the shape [${input.shape.join(', ')}]`,
      found: `${input.data.length}`,
    })
  }
}

/** Whether the values are whole numbers by their type, as torch's long and int. */
export const isInt32 = (input: TensorInput): boolean =>
  isTensor(input) ? input.dtype === 'int32' : typeName(input.data) === 'Int32Array'

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor

/** Not by `instanceof`, which fails for an array of another realm. */
const typeName = (value: unknown): string => Object.prototype.toString.call(value).slice('[object '.length, -1)

function isNdArray(value: unknown): value is NdArray {
  if (typeof value !== 'object' || value === null || !('data' in value) || !('shape' in value)) return false
  const { data, shape } = value
  return (
    ['Float32Array', 'Int32Array'].includes(typeName(data)) &&
    Array.isArray(shape) &&
    shape.every((n) => Number.isInteger(n) && n >= 0)
  )
}

function describeOther(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  return typeof value === 'object' ? `another object, ${typeName(value)}` : typeof value
}

/** A tensor's type and shape, for messages. */
export function describe(tensor: tf.Tensor): string {
  return `${tensor.dtype} [${tensor.shape.join(', ')}]`
}
