import { axisAt, numberAt } from './attributes.js'
import { binary, cast, select } from './elementwise.js'
import type { GraphKernels } from './graph-kernel.js'
import { reshape, transpose } from './layout.js'
import { typed, typeOf } from './node-writer.js'

/** Kernels that take elements by their indices. */
export const gatherKernels: GraphKernels = {
  GatherV2(writer, inputs, attrs) {
    const [x, indices] = [inputs.get('x'), inputs.get('indices')]
    const batchDims = numberAt(attrs, 'batchDims')
    const rank = x.shape.length
    const axis = axisAt(attrs, 'axis', rank)
    if (x.dtype !== 'float32' || indices.dtype !== 'int32' || batchDims !== 0 || indices.shape.includes(0)) {
      return undefined
    }
    const rest = x.shape.flatMap((_, i) => (i === axis ? [] : [i]))
    const table = transpose(writer, x, [axis, ...rest])
    const shape = [...indices.shape, ...rest.map((i) => x.shape[i] ?? 1)]
    const types = { Tparams: typeOf(x.dtype), Tindices: typeOf('int32'), Taxis: typeOf('int32') }
    const attributes = { batch_dims: { int: 0 }, ...types }
    const operands = [axis === 0 ? x : table, indices, writer.int(0)]
    const gathered = writer.operation('GatherV2', operands, { shape, dtype: x.dtype }, attributes)
    if (axis === 0) return gathered
    const taken = indices.shape.length
    const before = Array.from({ length: axis }, (_, i) => taken + i)
    const inside = indices.shape.map((_, i) => i)
    const after = Array.from({ length: rank - 1 - axis }, (_, i) => taken + axis + i)
    return transpose(writer, gathered, [...before, ...inside, ...after])
  },
  UnsortedSegmentSum(writer, inputs, attrs) {
    const [x, segments] = [inputs.get('x'), inputs.get('segmentIds')]
    if (x.dtype !== 'float32' || segments.dtype !== 'int32' || segments.shape.includes(0)) return undefined
    const count = numberAt(attrs, 'numSegments')
    const shape = [count, ...x.shape.slice(segments.shape.length)]
    const attributes = { ...typed(x), Tindices: typeOf('int32'), Tnumsegments: typeOf('int32') }
    const operands = [x, segments, writer.int(count)]
    return writer.operation('UnsortedSegmentSum', operands, { shape, dtype: x.dtype }, attributes)
  },
  OneHot(writer, inputs, attrs) {
    const indices = inputs.get('indices')
    const depth = numberAt(attrs, 'depth')
    if (indices.dtype !== 'int32' || attrs['dtype'] !== 'float32' || depth > MAX_EXACT) return undefined
    const numbers = cast(writer, indices, 'float32')
    const places = writer.constant(
      Float32Array.from({ length: depth }, (_, i) => i),
      [depth],
      'float32',
    )
    const isThere = binary(writer, 'Equal', reshape(writer, numbers, [...indices.shape, 1]), places, 'bool')
    const [on, off] = ['onValue', 'offValue'].map((name) => writer.scalar(numberAt(attrs, name), 'float32'))
    return on && off && select(writer, isThere, on, off)
  },
}

/** Up to here every whole number is one of float32. */
const MAX_EXACT = 2 ** 24
