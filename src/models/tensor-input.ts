import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import type { NdArray } from '../nd-array.js'

/** What a model takes: a tensor, or the typed array with a shape that tokenizers and image processors return. */
export type TensorInput = tf.Tensor | NdArray

/**
 * Pictures as a tensor; to be called inside `tf.tidy`.
 * @throws {InputError} unless it is `[batch, channels, height, width]`
 */
export function pixelTensor(input: TensorInput | undefined, channels: number): tf.Tensor4D {
  const tensor = toTensor(input, 'pixelValues', 'float32')
  const [batch = 0, found, height = 0, width = 0]: readonly (number | undefined)[] = tensor.shape
  if (tensor.rank !== 4 || found !== channels || height < 1 || width < 1) {
    throw new InputError('bad pixelValues', {
      expected: `[batch, ${channels}, height, width]`,
      found: describe(tensor),
      hint: 'SiglipImageProcessor makes them.',
    })
  }
  return tensor.as4D(batch, channels, height, width)
}

/**
 * Token ids, places or a mask as a tensor; to be called inside `tf.tidy`.
 * @param limit ids are below this
 * @throws {InputError} unless it is `[batch, length]` (or `[length]`, a batch of one) of whole numbers from 0 to `limit`
 */
export function idTensor(input: TensorInput | undefined, name: string, limit: number): tf.Tensor2D {
  const tensor = toTensor(input, name, 'int32')
  if ((tensor.rank !== 2 && tensor.rank !== 1) || tensor.size === 0) {
    throw new InputError(`bad ${name}`, {
      expected: '[batch, length]',
      found: describe(tensor),
      hint: 'SiglipTokenizer makes them.',
    })
  }
  checkRange(input instanceof tf.Tensor ? readable(input) : (input?.data ?? []), name, limit)
  const length = tensor.shape.at(-1) ?? 0
  return tensor.as2D(tensor.size / length, length)
}

/** Out of range, WebAssembly would read whatever lies there. */
function checkRange(values: ArrayLike<number>, name: string, limit: number): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    if (value >= 0 && value < limit && Number.isInteger(value)) continue
    throw new InputError(`bad ${name}`, { expected: `whole numbers from 0 to ${limit - 1}`, found: `${value} at ${i}` })
  }
}

/** A tensor's values where reading them back costs nothing: not from a GPU. */
function readable(tensor: tf.Tensor): ArrayLike<number> {
  return tf.getBackend().startsWith('web') ? [] : tensor.dataSync<'int32'>()
}

/**
 * A tensor of that type; to be called inside `tf.tidy`.
 * @throws {InputError}
 */
export function toTensor(input: unknown, name: string, dtype: 'float32' | 'int32'): tf.Tensor {
  if (isTensor(input)) {
    if (input.isDisposed) throw new InputError(`bad ${name}`, { expected: 'a tensor', found: 'one that is disposed' })
    return input.dtype === dtype ? input : tf.cast(input, dtype)
  }
  if (!isNdArray(input)) {
    throw new InputError(`bad ${name}`, { expected: 'a tensor, or { data, shape }', found: describeOther(input) })
  }
  const size = input.shape.reduce((product, n) => product * n, 1)
  if (size !== input.data.length) {
    throw new InputError(`bad ${name}`, {
      expected: `${size} values for the shape [${input.shape.join(', ')}]`,
      found: `${input.data.length}`,
    })
  }
  return tf.tensor(input.data, [...input.shape], dtype)
}

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor

function isNdArray(value: unknown): value is NdArray {
  if (typeof value !== 'object' || value === null || !('data' in value) || !('shape' in value)) return false
  const { data, shape } = value
  return ArrayBuffer.isView(data) && 'length' in data && Array.isArray(shape) && shape.every((n) => Number.isInteger(n))
}

function describeOther(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'another object' : typeof value
}

function describe(tensor: tf.Tensor): string {
  return `${tensor.dtype} [${tensor.shape.join(', ')}]`
}
