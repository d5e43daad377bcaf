import * as tf from '@tensorflow/tfjs'

import { isNumeric, typedAs } from '../../backend/engine/engine-backend.js'
import { BackendError } from '../../errors.js'

/** A tensor's values in JavaScript. */
export interface PlainTensor {
  readonly values: tf.BackendValues
  readonly shape: readonly number[]
  readonly dtype: tf.DataType
}

type PlainInput = PlainTensor | readonly PlainTensor[] | undefined

/** A kernel's inputs by name, or a list of them; there are kernels whose inputs are lists. */
export type PlainInputs = Readonly<Record<string, PlainInput>> | readonly PlainInput[]

/**
 * Runs a kernel of tfjs's `cpu` backend. It reads the values where they lie and changes none.
 *
 * @returns its results; those that are inputs share the inputs' values
 * @throws BackendError if tfjs has no such kernel
 */
export function runOnCpu(
  kernelName: string,
  inputs: PlainInputs,
  attrs: tf.NamedAttrMap,
): PlainTensor | readonly PlainTensor[] {
  const kernel = kernelOf(kernelName, 'cpu')
  const cpu: unknown = tf.findBackend('cpu')
  if (!kernel || !isCpuBackend(cpu)) {
    throw new BackendError('No backend here has this operation', { found: kernelName })
  }
  cpu.firstUse = false // it would advertise another backend
  const made: object[] = []
  const results: unknown = kernel.kernelFunc({
    inputs: withValues(inputs, (input: PlainInput) =>
      mapped(input, (plain) => infoOf(cpu, plain, made)),
    ) as tf.NamedTensorInfoMap,
    backend: cpu,
    attrs,
  })
  const read = ({ dataId, shape, dtype }: tf.TensorInfo): PlainTensor => {
    made.push(dataId)
    const values = cpu.readSync(dataId)
    return { values: isNumeric(dtype) ? typedAs(dtype, values) : values, shape, dtype } // some casts change the name alone
  }
  const plain = mapped(results as tf.TensorInfo | tf.TensorInfo[], read)
  for (const dataId of made) cpu.disposeData(dataId)
  if (plain === undefined) throw new BackendError('A kernel gave no result', { found: kernelName })
  return plain
}

/** tfjs's kernel, which need not be there. */
export const kernelOf = (kernelName: string, backendName: string): tf.KernelConfig | undefined =>
  tf.getKernel(kernelName, backendName)

/** A list or named values with others in their places. */
export function withValues<T, U>(
  inputs: Readonly<Record<string, T>> | readonly T[],
  of: (value: T) => U,
): Readonly<Record<string, U>> | readonly U[] {
  if (Array.isArray(inputs)) return inputs.map((value: T) => of(value))
  return Object.fromEntries(Object.entries(inputs).map(([name, value]: [string, T]) => [name, of(value)]))
}

/** The part of tfjs's `cpu` backend that is known here. */
interface CpuBackend extends tf.KernelBackend {
  firstUse: boolean
}

const isCpuBackend = (backend: unknown): backend is CpuBackend =>
  backend instanceof tf.KernelBackend && 'firstUse' in backend

function infoOf(cpu: CpuBackend, { values, shape, dtype }: PlainTensor, made: object[]): tf.TensorInfo {
  const size = [...shape]
  const write = (part: tf.BackendValues, type: tf.DataType): tf.TensorInfo => {
    const dataId = cpu.write(part, size, type)
    made.push(dataId)
    return { dataId, shape: size, dtype: type }
  }
  if (dtype !== 'complex64') return write(values, dtype)
  const { real, imag } = tf.backend_util.splitRealAndImagArrays(values as Float32Array)
  const complex = tf.getKernel('Complex', 'cpu').kernelFunc({
    inputs: { real: write(real, 'float32'), imag: write(imag, 'float32') },
    backend: cpu,
  }) as tf.TensorInfo
  made.push(complex.dataId)
  return complex
}

function mapped<T, U>(value: T | readonly T[] | undefined, of: (item: T) => U): U | U[] | undefined {
  if (value === undefined) return undefined
  return Array.isArray(value) ? value.map((item: T) => of(item)) : of(value as T)
}
