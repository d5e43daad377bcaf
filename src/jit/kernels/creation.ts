import type * as tf from '@tensorflow/tfjs'

import { arrayTypes } from '../../backend/engine/engine-backend.js'
import { sizeOf } from '../graph-builder.js'
import { numberAt, numbersAt } from './attributes.js'
import type { GraphKernels } from './graph-kernel.js'
import { typed, typeOf } from './node-writer.js'
import type { Constant, DataType } from '../graph.js'

/** Values that are known without computing on tensors. */
export interface Created {
  readonly values: Constant['values']
  readonly shape: readonly number[]
  readonly dtype: DataType
}

/** Kernels of no inputs. */
export const createdBy: Readonly<Record<string, (attrs: tf.NamedAttrMap) => Created | undefined>> = {
  Fill(attrs) {
    const shape = numbersAt(attrs, 'shape')
    const { value } = attrs
    const asked = attrs['dtype'] ?? 'float32'
    const dtype = (['float32', 'int32', 'bool'] as const).find((name) => name === asked)
    return dtype && typeof value === 'number' ? { values: filled(dtype, shape, value), shape, dtype } : undefined
  },
  Range(attrs) {
    const [start, stop, asked] = ['start', 'stop', 'step'].map((name) => numberAt(attrs, name))
    if (start === undefined || stop === undefined || asked === undefined) return undefined
    // What tfjs allows beside what TensorFlow does.
    const isEmpty = start === stop || (start < stop && asked < 0) || (stop < start && asked > 1)
    const step = stop < start && asked === 1 ? -1 : asked
    const length = isEmpty ? 0 : Math.abs(Math.ceil((stop - start) / step))
    const dtype = attrs['dtype'] === 'int32' ? 'int32' : 'float32'
    const values = dtype === 'int32' ? new Int32Array(length) : new Float32Array(length)
    let next = start
    for (let i = 0; i < length; i++) {
      values[i] = next
      next = (values[i] ?? 0) + step
    }
    return { values, shape: [length], dtype }
  },
}

function filled(dtype: DataType, shape: readonly number[], value: number): Constant['values'] {
  return new arrayTypes[dtype](sizeOf(shape)).fill(dtype === 'bool' ? Number(value !== 0) : value)
}

/** The same kernels, and those that look at a tensor's shape alone, as nodes. */
export const creationKernels: GraphKernels = {
  Fill(writer, _inputs, attrs) {
    const { dtype } = createdBy['Fill']?.({ ...attrs, shape: [] }) ?? {}
    if (!dtype) return undefined
    const shape = numbersAt(attrs, 'shape')
    const value = writer.scalar(numberAt(attrs, 'value'), dtype)
    const attributes = { ...typed(value), index_type: typeOf('int32') }
    return writer.operation('Fill', [writer.ints(shape), value], { shape, dtype }, attributes)
  },
  Range(writer, _inputs, attrs) {
    const made = createdBy['Range']?.(attrs)
    return made && writer.constant(made.values, made.shape, made.dtype)
  },
  ZerosLike: (writer, inputs) =>
    writer.operation('ZerosLike', [inputs.get('x')], inputs.get('x'), typed(inputs.get('x'))),
  OnesLike: (writer, inputs) =>
    writer.operation('OnesLike', [inputs.get('x')], inputs.get('x'), typed(inputs.get('x'))),
}
