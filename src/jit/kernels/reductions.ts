import type { Value } from '../graph.js'
import { axesAt, flagAt } from './attributes.js'
import { cast } from './elementwise.js'
import type { GraphKernel, GraphKernels } from './graph-kernel.js'
import { type NodeWriter, typed, typeOf } from './node-writer.js'

/** Writes a reduction over axes, which stay as dimensions of 1 if `keepDims`. */
function reduction(writer: NodeWriter, op: string, x: Value, axes: readonly number[], keepDims: boolean): Value {
  const shape = keepDims
    ? x.shape.map((size, i) => (axes.includes(i) ? 1 : size))
    : x.shape.filter((_, i) => !axes.includes(i))
  const attributes = { keep_dims: { bool: keepDims }, ...typed(x), Tidx: typeOf('int32') }
  return writer.operation(op, [x, writer.ints(axes)], { shape, dtype: x.dtype }, attributes)
}

/** A kernel whose axes are the attribute `named`. */
const kernel =
  (op: string, named = 'axis'): GraphKernel =>
  (writer, inputs, attrs) => {
    const x = inputs.get('x')
    if (x.dtype !== 'float32') return undefined
    return reduction(writer, op, x, axesAt(attrs, named, x.shape.length), flagAt(attrs, 'keepDims'))
  }

/** A kernel that says something of bools by the largest or smallest of them as numbers. */
const ofBools =
  (op: 'Max' | 'Min'): GraphKernel =>
  (writer, inputs, attrs) => {
    const x = inputs.get('x')
    if (x.dtype !== 'bool' || x.shape.includes(0)) return undefined
    const numbers = cast(writer, x, 'float32')
    const found = reduction(writer, op, numbers, axesAt(attrs, 'axis', x.shape.length), flagAt(attrs, 'keepDims'))
    return cast(writer, found, 'bool')
  }

/** Kernels that make one element of many. */
export const reductionKernels: GraphKernels = {
  Sum: kernel('Sum'),
  Max: kernel('Max', 'reductionIndices'),
  Min: kernel('Min'),
  All: ofBools('Min'),
  Any: ofBools('Max'),
  Mean(writer, inputs, attrs) {
    const given = inputs.get('x')
    const x = given.dtype === 'float32' ? given : cast(writer, given, 'float32')
    return reduction(writer, 'Mean', x, axesAt(attrs, 'axis', x.shape.length), flagAt(attrs, 'keepDims'))
  },
}
