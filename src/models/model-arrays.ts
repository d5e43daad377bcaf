import type * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import { isInt32 } from '../backend/tensor-input.js'
import type { NdArray } from '../nd-array.js'

/** Arrays by their names, the first side of each being the batch. */
export type Arrays = Readonly<Record<string, NdArray>>

/**
 * One batch of several.
 * @throws {InputError} if their shapes differ
 */
export function stacked<T extends Arrays>(parts: readonly T[]): { readonly [K in keyof T]: NdArray } {
  const [first] = parts
  return Object.fromEntries(Object.keys(first ?? {}).map((name) => [name, stackedArray(name, parts)])) as T
}

function stackedArray(name: string, parts: readonly Arrays[]): NdArray {
  const arrays = parts.flatMap((part) => part[name] ?? [])
  const row = String(arrays[0]?.shape.slice(1))
  const other = arrays.find(({ shape }) => String(shape.slice(1)) !== row)
  if (other) {
    throw new InputError('The inputs of a batch have different sizes', {
      expected: row.replaceAll(',', ' × '),
      found: other.shape.slice(1).join(' × '),
      where: name,
      hint: 'Set batchSize to 1.',
    })
  }
  const length = arrays.reduce((sum, { data }) => sum + data.length, 0)
  const data = arrays.every(isInt32) ? new Int32Array(length) : new Float32Array(length)
  let offset = 0
  for (const array of arrays) {
    data.set(array.data, offset)
    offset += array.data.length
  }
  const batch = arrays.reduce((sum, { shape: [size = 0] }) => sum + size, 0)
  return { data, shape: [batch, ...(arrays[0]?.shape.slice(1) ?? [])] }
}

/** Each row of a tensor `[batch, …]` as an array `[1, …]`; the tensor is disposed. */
export async function takeRows(tensor: tf.Tensor): Promise<NdArray<Float32Array>[]> {
  try {
    const [count = 0, ...shape] = tensor.shape
    const values = await tensor.data<'float32'>()
    const size = tensor.size / count
    return Array.from({ length: count }, (_, i) => {
      return { data: new Float32Array(values.subarray(i * size, (i + 1) * size)), shape: [1, ...shape] }
    })
  } finally {
    tensor.dispose()
  }
}
