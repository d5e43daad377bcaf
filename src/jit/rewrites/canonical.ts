import { at, flagOf, type GraphBuilder, numberOf, type Rule, sizeOf } from '../graph-builder.js'
import type { Constant, DataType, Operation, Value } from '../graph.js'
import { isRepeated } from '../is-repeated.js'

type Translate = (builder: GraphBuilder, node: Operation, inputs: readonly Value[]) => readonly Value[] | undefined

/** TensorFlow's operations on each element, under the engine's names. */
const ELEMENTWISE: Readonly<Record<string, string>> = {
  ...{ Neg: 'negative', Abs: 'abs', Sign: 'sign', Square: 'square', Sqrt: 'sqrt', Rsqrt: 'rsqrt', Exp: 'exp' },
  ...{
    Reciprocal: 'reciprocal',
    Inv: 'reciprocal',
    Expm1: 'expm1',
    Log: 'log',
    Log1p: 'log1p',
    Tanh: 'tanh',
    Erf: 'erf',
  },
  ...{ Sigmoid: 'sigmoid', Softplus: 'softplus', Relu: 'relu', Floor: 'floor', Ceil: 'ceil', Round: 'round' },
  ...{ IsNan: 'isNan', LogicalNot: 'not', Add: 'add', AddV2: 'add', Sub: 'subtract', Mul: 'multiply' },
  ...{ RealDiv: 'divide', Div: 'divide', Pow: 'power', Minimum: 'minimum', Maximum: 'maximum' },
  ...{ SquaredDifference: 'squaredDifference', Equal: 'equal', NotEqual: 'notEqual', Less: 'less' },
  ...{ LessEqual: 'lessEqual', Greater: 'greater', GreaterEqual: 'greaterEqual', LogicalAnd: 'and', LogicalOr: 'or' },
}

/** Turns TensorFlow's operations into the few that lowering knows, with sizes, axes and orders as attributes. */
export function canonical(builder: GraphBuilder): Rule {
  return (node, raw) => {
    if (node.op === 'check') return undefined // of which nothing is used but that it is done
    if (node.outputs.every(isEmpty)) return node.outputs.map((output) => empty(builder, output))
    const inputs = raw.map((value) => uniform(builder, value))
    // What TensorFlow makes of nothing.
    if (inputs.slice(0, 1).some(isEmpty) && !JOINING.has(node.op)) return undefined
    return translated(builder, node, inputs)?.map((value) => (isEmpty(value) ? empty(builder, value) : value))
  }
}

const translated: Translate = (builder, node, inputs) => {
  const name = ELEMENTWISE[node.op]
  if (name === undefined) return translations[node.op]?.(builder, node, inputs)
  const isInteger = [...node.outputs, ...inputs].some(({ dtype }) => dtype === 'int32')
  // eslint-disable-next-line siglip/no-spread-arguments -- an operation has two operands at most
  return isInteger ? undefined : [builder.elementwise(name, ...inputs)]
}

/** Operations that leave out what is empty. */
const JOINING: ReadonlySet<string> = new Set(['ConcatV2', 'Pack'])

const isEmpty = ({ shape }: Value): boolean => shape.includes(0)

const empty = (builder: GraphBuilder, { shape, dtype }: Value): Value =>
  builder.constant(arrayOf(dtype, []), shape, dtype)

function arrayOf(dtype: DataType, values: readonly number[]): Constant['values'] {
  if (dtype === 'float32') return Float32Array.from(values)
  return dtype === 'int32' ? Int32Array.from(values) : Uint8Array.from(values)
}

/** A constant whose elements are all the same is one number, repeated. */
function uniform(builder: GraphBuilder, value: Value): Value {
  if (value.node.kind !== 'constant' || value.dtype !== 'float32') return value
  const { values } = value.node
  const first = values[0]
  if (values.length < 2 || first === undefined || !isRepeated(values)) return value
  return builder.broadcast(builder.scalar(first), value.shape)
}

/** The numbers of a constant, if it is one. */
function constantInts(value: Value | undefined): readonly number[] | undefined {
  if (value?.node.kind === 'operation' && value.node.op === 'reshape') return constantInts(value.node.inputs[0])
  return value?.node.kind === 'constant' && value.dtype === 'int32' ? [...value.node.values] : undefined
}

const reshaped: Translate = (builder, node, inputs) => [builder.reshape(at(inputs, 0), at(node.outputs, 0).shape)]

const identity: Translate = (_builder, _node, inputs) => [at(inputs, 0)]

function axesOf(x: Value, axes: Value | undefined): readonly number[] | undefined {
  return constantInts(axes)?.map((axis) => (axis < 0 ? axis + x.shape.length : axis))
}

/** A reduction whose axes come as its second input. */
const reduced =
  (reduce: (builder: GraphBuilder, x: Value, axes: readonly number[]) => Value): Translate =>
  (builder, node, inputs) => {
    const x = at(inputs, 0)
    const axes = axesOf(x, inputs[1])
    if (!axes || x.dtype !== 'float32') return undefined
    return [builder.reshape(reduce(builder, x, axes), at(node.outputs, 0).shape)]
  }

const sum: Translate = reduced((builder, x, axes) => builder.reduce('sum', x, axes))

const product =
  (left: string, right: string): Translate =>
  (builder, node, inputs) => {
    const result = at(node.outputs, 0)
    if (result.dtype !== 'float32') return undefined
    const [a, b] = [at(inputs, 0), at(inputs, 1)]
    const swapped = (x: Value): Value => {
      const rank = x.shape.length
      return builder.transpose(x, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2])
    }
    return [builder.product(flagOf(node, left) ? swapped(a) : a, flagOf(node, right) ? swapped(b) : b, result.shape)]
  }

const concatenated = (
  builder: GraphBuilder,
  parts: readonly Value[],
  axis: number,
  result: Value,
): readonly Value[] => {
  const filled = parts.filter((part) => !isEmpty(part))
  if (filled.length === 1) return [builder.reshape(at(filled, 0), result.shape)]
  return [builder.operation('concat', filled, result.shape, result.dtype, { axis: { int: axis } })]
}

/** Parts of a tensor that follow one another along an axis. */
const parts = (builder: GraphBuilder, x: Value, axis: number, results: readonly Value[]): readonly Value[] => {
  let begin = 0
  return results.map(({ shape }) => {
    const size = [...x.shape]
    size[axis] = shape.length === x.shape.length ? at(shape, axis) : 1
    const start = x.shape.map((_, i) => (i === axis ? begin : 0))
    begin += at(size, axis)
    return builder.reshape(
      builder.slice(
        x,
        start,
        start.map(() => 1),
        size,
      ),
      shape,
    )
  })
}

const bits = (node: Operation, name: string): number => numberOf(node, name, 0)

const translations: Readonly<Record<string, Translate>> = {
  Reshape: reshaped,
  ExpandDims: reshaped,
  Squeeze: reshaped,
  Identity: identity,
  StopGradient: identity,
  Cast(builder, node, inputs) {
    const [x, result] = [at(inputs, 0), at(node.outputs, 0)]
    if (x.dtype === result.dtype) return [x]
    if (result.dtype === 'float32') return [builder.elementwise('float', x)]
    if (result.dtype === 'bool' && x.dtype === 'float32') return [builder.elementwise('notEqual', x, builder.scalar(0))]
    return undefined
  },
  Transpose(builder, _node, inputs) {
    const order = constantInts(inputs[1])
    return order && [builder.transpose(at(inputs, 0), order)]
  },
  Slice(builder, node, inputs) {
    const begin = constantInts(inputs[1])
    const { shape } = at(node.outputs, 0)
    return (
      begin && [
        builder.slice(
          at(inputs, 0),
          begin,
          begin.map(() => 1),
          shape,
        ),
      ]
    )
  },
  StridedSlice(builder, node, inputs) {
    const x = at(inputs, 0)
    const [begins, steps] = [constantInts(inputs[1]), constantInts(inputs[3])]
    if (!begins || !steps || steps.some((step) => step < 1)) return undefined
    if (bits(node, 'ellipsis_mask') || bits(node, 'new_axis_mask')) return undefined
    const ends = constantInts(inputs[2])
    const begin: number[] = []
    const size: number[] = []
    x.shape.forEach((length, i) => {
      const clamp = (n: number): number => Math.min(length, Math.max(0, n < 0 ? n + length : n))
      const isSet = (mask: string): boolean => i < begins.length && ((bits(node, mask) >> i) & 1) === 1
      // One element is the one that `begin` says, whatever the other masks say.
      const isOne = isSet('shrink_axis_mask')
      const start = isSet('begin_mask') && !isOne ? 0 : clamp(begins[i] ?? 0)
      const end = i >= begins.length || isSet('end_mask') ? length : clamp(ends?.[i] ?? length)
      begin.push(start)
      size.push(isOne ? 1 : Math.max(0, Math.ceil((end - start) / (steps[i] ?? 1))))
    })
    const every = x.shape.map((_, i) => steps[i] ?? 1)
    return [builder.reshape(builder.slice(x, begin, every, size), at(node.outputs, 0).shape)]
  },
  Split(builder, node, inputs) {
    const [axis, x] = [constantInts(inputs[0])?.[0], at(inputs, 1)]
    return axis === undefined ? undefined : parts(builder, x, axis < 0 ? axis + x.shape.length : axis, node.outputs)
  },
  SplitV(builder, node, inputs) {
    const [x, axis] = [at(inputs, 0), constantInts(inputs[2])?.[0]]
    return axis === undefined ? undefined : parts(builder, x, axis < 0 ? axis + x.shape.length : axis, node.outputs)
  },
  Unpack(builder, node, inputs) {
    const x = at(inputs, 0)
    const axis = numberOf(node, 'axis', 0)
    return parts(builder, x, axis < 0 ? axis + x.shape.length : axis, node.outputs)
  },
  ConcatV2(builder, node, inputs) {
    const result = at(node.outputs, 0)
    const axis = constantInts(inputs.at(-1))?.[0]
    if (axis === undefined) return undefined
    return concatenated(builder, inputs.slice(0, -1), axis < 0 ? axis + result.shape.length : axis, result)
  },
  Pack(builder, node, inputs) {
    const result = at(node.outputs, 0)
    const given = numberOf(node, 'axis', 0)
    const axis = given < 0 ? given + result.shape.length : given
    const shape = result.shape.map((size, i) => (i === axis ? 1 : size))
    const each = inputs.map((x) => builder.reshape(x, shape))
    return concatenated(builder, each, axis, result)
  },
  PadV2(builder, node, inputs) {
    const [x, around, value] = [at(inputs, 0), constantInts(inputs[1]), at(inputs, 2)]
    const result = at(node.outputs, 0)
    const before = around?.filter((_, i) => i % 2 === 0)
    return before && [builder.operation('pad', [x, value], result.shape, result.dtype, { before: { ints: before } })]
  },
  Tile(builder, node, inputs) {
    const [x, times] = [at(inputs, 0), constantInts(inputs[1])]
    if (!times) return undefined
    const paired = x.shape.flatMap((size) => [1, size])
    const repeated = x.shape.flatMap((size, i) => [at(times, i), size])
    const { shape } = at(node.outputs, 0)
    if (x.shape.every((size, i) => size === 1 || times[i] === 1)) return [builder.broadcast(x, shape)]
    return [builder.reshape(builder.broadcast(builder.reshape(x, paired), repeated), shape)]
  },
  BroadcastTo: (builder, node, inputs) => [builder.broadcast(at(inputs, 0), at(node.outputs, 0).shape)],
  Fill: (builder, node, inputs) => [builder.broadcast(at(inputs, 1), at(node.outputs, 0).shape)],
  ZerosLike: (builder, node) => filled(builder, at(node.outputs, 0), 0),
  OnesLike: (builder, node) => filled(builder, at(node.outputs, 0), 1),
  MatMul: product('transpose_a', 'transpose_b'),
  BatchMatMul: product('adj_x', 'adj_y'),
  BatchMatMulV2: product('adj_x', 'adj_y'),
  Sum: sum,
  Mean: reduced((builder, x, axes) => {
    const count = axes.reduce((n, axis) => n * at(x.shape, axis), 1)
    return builder.elementwise('divide', builder.reduce('sum', x, axes), builder.scalar(count))
  }),
  Max: reduced((builder, x, axes) => builder.reduce('max', x, axes)),
  Min: reduced((builder, x, axes) => {
    const largest = builder.reduce('max', builder.elementwise('negative', x), axes)
    return builder.elementwise('negative', largest)
  }),
  Softmax: (builder, _node, inputs) => [builder.softmax(at(inputs, 0))],
  LogSoftmax(builder, _node, inputs) {
    const x = at(inputs, 0)
    const last = [x.shape.length - 1]
    const shifted = builder.elementwise('subtract', x, builder.reduce('max', x, last))
    const total = builder.reduce('sum', builder.elementwise('exp', shifted), last)
    return [builder.elementwise('subtract', shifted, builder.elementwise('log', total))]
  },
  GatherV2(builder, node, inputs) {
    const [table, indices] = [at(inputs, 0), at(inputs, 1)]
    const axis = constantInts(inputs[2])?.[0]
    const result = at(node.outputs, 0)
    if (axis !== 0 || numberOf(node, 'batch_dims', 0) !== 0 || table.dtype !== 'float32') return undefined
    const count = sizeOf(indices.shape)
    const width = sizeOf(table.shape.slice(1))
    if (indices.dtype !== 'int32') return undefined
    const rows = builder.reshape(table, [at(table.shape, 0), width])
    const gathered = builder.operation('gather', [rows, builder.reshape(indices, [count])], [count, width], 'float32')
    return [builder.reshape(gathered, result.shape)]
  },
  UnsortedSegmentSum(builder, node, inputs) {
    const [values, segments] = [at(inputs, 0), at(inputs, 1)]
    const result = at(node.outputs, 0)
    const count = sizeOf(segments.shape)
    if (values.dtype !== 'float32' || segments.dtype !== 'int32') return undefined
    const width = sizeOf(values.shape) / count
    const operands = [builder.reshape(values, [count, width]), builder.reshape(segments, [count])]
    const shape = [at(result.shape, 0), width]
    return [builder.reshape(builder.operation('segmentSum', operands, shape, 'float32'), result.shape)]
  },
  Select(builder, _node, inputs) {
    const [condition, x, y] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)]
    if (x.dtype !== 'float32') return undefined
    // A condition of one dimension chooses rows.
    const shape = [...condition.shape, ...x.shape.slice(condition.shape.length).map(() => 1)]
    return [builder.elementwise('select', builder.reshape(condition, shape), x, y)]
  },
  SelectV2(builder, _node, inputs) {
    const [condition, x, y] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)]
    return x.dtype === 'float32' ? [builder.elementwise('select', condition, x, y)] : undefined
  },
  Relu6(builder, _node, inputs) {
    if (at(inputs, 0).dtype !== 'float32') return undefined
    return [builder.elementwise('minimum', builder.elementwise('relu', at(inputs, 0)), builder.scalar(6))]
  },
  ClipByValue(builder, _node, inputs) {
    const [x, low, high] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)]
    if (x.dtype !== 'float32') return undefined
    return [builder.elementwise('maximum', builder.elementwise('minimum', x, high), low)]
  },
  LeakyRelu(builder, node, inputs) {
    const x = at(inputs, 0)
    const below = builder.elementwise('multiply', x, builder.scalar(numberOf(node, 'alpha', 0.2)))
    return [builder.elementwise('select', builder.elementwise('greater', x, builder.scalar(0)), x, below)]
  },
  Elu(builder, _node, inputs) {
    const x = at(inputs, 0)
    const below = builder.elementwise('expm1', x)
    return [builder.elementwise('select', builder.elementwise('less', x, builder.scalar(0)), below, x)]
  },
}

/** TensorFlow's operations that are turned into others; {@link canonical} leaves all others as they are. */
export const translatedOperations: readonly string[] = [...Object.keys(ELEMENTWISE), ...Object.keys(translations)]

function filled(builder: GraphBuilder, { shape, dtype }: Value, value: number): readonly Value[] {
  return [builder.broadcast(builder.constant(arrayOf(dtype, [value]), [], dtype), shape)]
}
