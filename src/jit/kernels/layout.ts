import * as tf from '@tensorflow/tfjs'

import { InputError } from '../../errors.js'
import { sizeOf } from '../graph-builder.js'
import type { Value } from '../graph.js'
import { axisAt, numberAt, numbersAt, pairsAt } from './attributes.js'
import type { GraphKernels } from './graph-kernel.js'
import { type NodeWriter, typed, typeOf } from './node-writer.js'

/** Writes the same elements under another shape. */
export function reshape(writer: NodeWriter, x: Value, shape: readonly number[]): Value {
  const attributes = { ...typed(x), Tshape: typeOf('int32') }
  return writer.operation('Reshape', [x, writer.ints(shape)], { shape, dtype: x.dtype }, attributes)
}

/** Writes a tensor whose dimension i is dimension `order[i]` of `x`. */
export function transpose(writer: NodeWriter, x: Value, order: readonly number[]): Value {
  const shape = order.map((from) => x.shape[from] ?? 1)
  const attributes = { ...typed(x), Tperm: typeOf('int32') }
  return writer.operation('Transpose', [x, writer.ints(order)], { shape, dtype: x.dtype }, attributes)
}

/** The shape that `Reshape` gives, with −1 replaced. @throws Error of tfjs if it has not as many elements */
export function reshapedShape(from: readonly number[], attrs: tf.NamedAttrMap): readonly number[] {
  const size = sizeOf(from)
  const shape = tf.util.inferFromImplicitShape([...numbersAt(attrs, 'shape')], size)
  tf.util.assert(
    sizeOf(shape) === size,
    () => `The new shape [${shape.join()}] and the old shape [${from.join()}] must have the same number of elements.`,
  )
  return shape
}

/** The shape that `ExpandDims` gives. */
export function expandedShape(from: readonly number[], attrs: tf.NamedAttrMap): readonly number[] {
  const axis = axisAt(attrs, 'dim', from.length + 1)
  return [...from.slice(0, axis), 1, ...from.slice(axis)]
}

/** Kernels that say where elements lie. */
export const layoutKernels: GraphKernels = {
  Identity: (_writer, inputs) => inputs.get('x'),
  Reshape(writer, inputs, attrs) {
    const x = inputs.get('x')
    return reshape(writer, x, reshapedShape(x.shape, attrs))
  },
  ExpandDims(writer, inputs, attrs) {
    const x = inputs.get('input')
    return reshape(writer, x, expandedShape(x.shape, attrs))
  },
  Transpose: (writer, inputs, attrs) => transpose(writer, inputs.get('x'), numbersAt(attrs, 'perm')),
  Slice(writer, inputs, attrs) {
    const x = inputs.get('x')
    const from = [...numbersAt(attrs, 'begin')]
    const asked = attrs['size'] === undefined ? -1 : [...numbersAt(attrs, 'size')]
    const [begin = [], sizes = []] = tf.slice_util.parseSliceParams(tensorOf(x), from, asked)
    tf.slice_util.assertParamsValid(tensorOf(x), begin, sizes)
    const attributes = { ...typed(x), Index: typeOf('int32') }
    const operands = [x, writer.ints(begin), writer.ints(sizes)]
    return writer.operation('Slice', operands, { shape: sizes, dtype: x.dtype }, attributes)
  },
  StridedSlice(writer, inputs, attrs) {
    const x = inputs.get('x')
    const begin = [...numbersAt(attrs, 'begin')]
    const end = [...numbersAt(attrs, 'end')]
    const strides = [...numbersAt(attrs, 'strides')]
    const names = ['beginMask', 'endMask', 'ellipsisMask', 'newAxisMask', 'shrinkAxisMask'] as const
    const masks = names.map((name) => numberAt(attrs, name))
    const [beginMask = 0, endMask = 0, ellipsisMask = 0, newAxisMask = 0, shrinkAxisMask = 0] = masks
    const { finalShape } = tf.slice_util.sliceInfo(
      [...x.shape],
      begin,
      end,
      strides,
      beginMask,
      endMask,
      ellipsisMask,
      newAxisMask,
      shrinkAxisMask,
    )
    const operands = [x, writer.ints(begin), writer.ints(end), writer.ints(strides)]
    return writer.operation(
      'StridedSlice',
      operands,
      { shape: finalShape, dtype: x.dtype },
      {
        ...{ ...typed(x), Index: typeOf('int32'), begin_mask: { int: beginMask }, end_mask: { int: endMask } },
        ...{ ellipsis_mask: { int: ellipsisMask }, new_axis_mask: { int: newAxisMask } },
        shrink_axis_mask: { int: shrinkAxisMask },
      },
    )
  },
  SplitV(writer, inputs, attrs) {
    const x = inputs.get('x')
    const axis = axisAt(attrs, 'axis', x.shape.length)
    const splits = attrs['numOrSizeSplits']
    const asked = typeof splits === 'number' ? splits : [...numbersAt(attrs, 'numOrSizeSplits')]
    const sizes = tf.backend_util.prepareSplitSize(tensorOf(x), asked, axis)
    const results = sizes.map((part) => ({ shape: x.shape.map((n, i) => (i === axis ? part : n)), dtype: x.dtype }))
    const attributes = { num_split: { int: sizes.length }, ...typed(x), Tlen: typeOf('int32') }
    return writer.operations('SplitV', [x, writer.ints(sizes), writer.int(axis)], results, attributes)
  },
  Concat(writer, inputs, attrs) {
    const parts = inputs.list()
    const [first] = parts
    if (!first) return undefined
    const axis = axisAt(attrs, 'axis', first.shape.length)
    const shapes = parts.map(({ shape }) => [...shape])
    tf.backend_util.assertParamsConsistent(shapes, axis)
    if (parts.some(({ dtype }) => dtype !== first.dtype)) return undefined
    const shape = tf.backend_util.computeOutShape(shapes, axis)
    const attributes = { N: { int: parts.length }, Tidx: typeOf('int32'), ...typed(first) }
    return writer.operation('ConcatV2', [...parts, writer.int(axis)], { shape, dtype: first.dtype }, attributes)
  },
  Pack(writer, inputs, attrs) {
    const parts = inputs.list()
    const [first] = parts
    if (!first || parts.some(({ dtype }) => dtype !== first.dtype)) return undefined
    const odd = parts.find(({ shape }) => shape.join() !== first.shape.join())
    if (odd) {
      throw new InputError('Tensors to be stacked have different shapes', {
        expected: `[${first.shape.join(', ')}]`,
        found: `[${odd.shape.join(', ')}]`,
      })
    }
    const axis = axisAt(attrs, 'axis', first.shape.length + 1)
    const shape = [...first.shape]
    shape.splice(axis, 0, parts.length)
    const attributes = { N: { int: parts.length }, ...typed(first), axis: { int: axis } }
    return writer.operation('Pack', parts, { shape, dtype: first.dtype }, attributes)
  },
  Unpack(writer, inputs, attrs) {
    const x = inputs.get('value')
    const axis = axisAt(attrs, 'axis', x.shape.length)
    const count = x.shape[axis]
    if (count === undefined) {
      throw new InputError('A tensor has no such axis', { found: String(axis), expected: `below ${x.shape.length}` })
    }
    const shape = x.shape.filter((_, i) => i !== axis)
    const results = Array.from({ length: count }, () => ({ shape, dtype: x.dtype }))
    return writer.operations('Unpack', [x], results, { num: { int: count }, ...typed(x), axis: { int: axis } })
  },
  PadV2(writer, inputs, attrs) {
    const x = inputs.get('x')
    const pads = pairsAt(attrs, 'paddings')
    const shape = x.shape.map((n, i) => n + (pads[i]?.[0] ?? 0) + (pads[i]?.[1] ?? 0))
    const around = writer.constant(Int32Array.from(pads.flat()), [pads.length, 2], 'int32')
    const value = writer.scalar(numberAt(attrs, 'constantValue'), x.dtype)
    const attributes = { ...typed(x), Tpaddings: typeOf('int32') }
    return writer.operation('PadV2', [x, around, value], { shape, dtype: x.dtype }, attributes)
  },
  Tile(writer, inputs, attrs) {
    const x = inputs.get('x')
    const times = numbersAt(attrs, 'reps')
    const shape = x.shape.map((n, i) => n * (times[i] ?? 1))
    const attributes = { ...typed(x), Tmultiples: typeOf('int32') }
    return writer.operation('Tile', [x, writer.ints(times)], { shape, dtype: x.dtype }, attributes)
  },
}

/** What tfjs's functions of shapes look at. */
const tensorOf = ({ shape, dtype }: Value): tf.TensorInfo & tf.Tensor =>
  ({ shape: [...shape], dtype, rank: shape.length }) as unknown as tf.Tensor
