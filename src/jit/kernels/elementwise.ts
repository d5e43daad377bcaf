import * as tf from '@tensorflow/tfjs'

import type { DataType, Value } from '../graph.js'
import { numberAt } from './attributes.js'
import type { GraphKernel, GraphKernels } from './graph-kernel.js'
import { type NodeWriter, typed, typeOf } from './node-writer.js'

const areFloat = (...values: readonly Value[]): boolean => values.every(({ dtype }) => dtype === 'float32')

/** The shape of two operands' result. @throws Error of tfjs if they do not fit */
export const broadcast = (a: Value, b: Value): readonly number[] =>
  tf.backend_util.assertAndGetBroadcastShape([...a.shape], [...b.shape])

/** Writes an operation on each element of two float32 operands. */
export function binary(writer: NodeWriter, op: string, a: Value, b: Value, dtype: DataType = 'float32'): Value {
  return writer.operation(op, [a, b], { shape: broadcast(a, b), dtype }, typed(a))
}

/** Writes an operation on each element. */
export function unary(writer: NodeWriter, op: string, x: Value, dtype: DataType = x.dtype): Value {
  return writer.operation(op, [x], { shape: x.shape, dtype }, typed(x))
}

/** Writes a conversion of each element. */
export function cast(writer: NodeWriter, x: Value, dtype: DataType): Value {
  const attributes = { SrcT: typeOf(x.dtype), DstT: typeOf(dtype), Truncate: { bool: false } }
  return writer.operation('Cast', [x], { shape: x.shape, dtype }, attributes)
}

/** Writes `x` where it is not negative, and elsewhere its product with a number. */
export function leakyRelu(writer: NodeWriter, x: Value, alpha: number): Value {
  return writer.operation('LeakyRelu', [x], x, { ...typed(x), alpha: { float: alpha } })
}

/** Writes `x` where it is not negative, and elsewhere its product with `alpha`. */
export function prelu(writer: NodeWriter, x: Value, alpha: Value): Value {
  const below = binary(writer, 'Mul', alpha, x)
  return select(writer, binary(writer, 'GreaterEqual', x, writer.scalar(0, 'float32'), 'bool'), x, below)
}

/** Writes a choice between elements. */
export function select(writer: NodeWriter, condition: Value, x: Value, y: Value): Value {
  const shape = broadcast({ ...x, shape: broadcast(condition, x) }, y)
  return writer.operation('SelectV2', [condition, x, y], { shape, dtype: x.dtype }, typed(x))
}

const unaryKernel =
  (op: string): GraphKernel =>
  (writer, inputs) => {
    const x = inputs.get('x')
    return areFloat(x) ? unary(writer, op, x) : undefined
  }

const binaryKernel =
  (op: string): GraphKernel =>
  (writer, inputs) => {
    const [a, b] = [inputs.get('a'), inputs.get('b')]
    return areFloat(a, b) ? binary(writer, op, a, b) : undefined
  }

const comparison =
  (op: string): GraphKernel =>
  (writer, inputs) => {
    const [a, b] = [inputs.get('a'), inputs.get('b')]
    return areFloat(a, b) ? binary(writer, op, a, b, 'bool') : undefined
  }

const logical =
  (op: string): GraphKernel =>
  (writer, inputs) => {
    const [a, b] = [inputs.get('a'), inputs.get('b')]
    if (a.dtype !== 'bool' || b.dtype !== 'bool') return undefined
    return writer.operation(op, [a, b], { shape: broadcast(a, b), dtype: 'bool' })
  }

const each = (names: readonly string[], kernel: (op: string) => GraphKernel): GraphKernels =>
  Object.fromEntries(names.map((name) => [name, kernel(name)]))

/** Kernels on each element. */
export const elementwiseKernels: GraphKernels = {
  ...each(['Neg', 'Abs', 'Sign', 'Square', 'Sqrt', 'Rsqrt', 'Exp', 'Expm1', 'Log', 'Log1p', 'Reciprocal'], unaryKernel),
  ...each(['Tanh', 'Erf', 'Sigmoid', 'Softplus', 'Relu', 'Relu6', 'Elu', 'Floor', 'Ceil', 'Round'], unaryKernel),
  ...each(['Sub', 'RealDiv', 'Pow', 'Minimum', 'Maximum', 'SquaredDifference'], binaryKernel),
  ...each(['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual'], comparison),
  ...each(['LogicalAnd', 'LogicalOr'], logical),
  Add: binaryKernel('AddV2'),
  Multiply: binaryKernel('Mul'),
  AddN(writer, inputs) {
    const [first, ...rest] = inputs.list()
    if (!first || ![first, ...rest].every((x) => areFloat(x))) return undefined
    return rest.reduce((sum, x) => binary(writer, 'AddV2', sum, x), first)
  },
  IsNan(writer, inputs) {
    const x = inputs.get('x')
    return areFloat(x) ? unary(writer, 'IsNan', x, 'bool') : undefined
  },
  LogicalNot(writer, inputs) {
    const x = inputs.get('x')
    return x.dtype === 'bool' ? writer.operation('LogicalNot', [x], x) : undefined
  },
  LeakyRelu(writer, inputs, attrs) {
    const x = inputs.get('x')
    return areFloat(x) ? leakyRelu(writer, x, numberAt(attrs, 'alpha')) : undefined
  },
  Prelu(writer, inputs) {
    const [x, alpha] = [inputs.get('x'), inputs.get('alpha')]
    return areFloat(x, alpha) ? prelu(writer, x, alpha) : undefined
  },
  EluGrad(writer, inputs) {
    const [dy, y] = [inputs.get('dy'), inputs.get('y')]
    if (!areFloat(dy, y)) return undefined
    const slope = binary(writer, 'AddV2', y, writer.scalar(1, 'float32'))
    const isLinear = binary(writer, 'GreaterEqual', y, writer.scalar(0, 'float32'), 'bool')
    return select(writer, isLinear, dy, binary(writer, 'Mul', dy, slope))
  },
  Step(writer, inputs, attrs) {
    const x = inputs.get('x')
    if (!areFloat(x)) return undefined
    const isAbove = binary(writer, 'Greater', x, writer.scalar(0, 'float32'), 'bool')
    const below = writer.scalar(numberAt(attrs, 'alpha'), 'float32')
    return select(
      writer,
      unary(writer, 'IsNan', x, 'bool'),
      x,
      select(writer, isAbove, writer.scalar(1, 'float32'), below),
    )
  },
  ClipByValue(writer, inputs, attrs) {
    const x = inputs.get('x')
    if (!areFloat(x)) return undefined
    const [least, most] = ['clipValueMin', 'clipValueMax'].map((name) =>
      writer.scalar(numberAt(attrs, name), 'float32'),
    )
    return least && most && binary(writer, 'Maximum', binary(writer, 'Minimum', x, most), least)
  },
  Select(writer, inputs) {
    const [condition, x, y] = [inputs.get('condition'), inputs.get('t'), inputs.get('e')]
    if (condition.dtype !== 'bool' || !areFloat(x, y)) return undefined
    return writer.operation('Select', [condition, x, y], x, typed(x))
  },
  FusedBatchNorm(writer, inputs, attrs) {
    const [x, mean, variance] = [inputs.get('x'), inputs.get('mean'), inputs.get('variance')]
    const [scale, offset] = [inputs.optional('scale'), inputs.optional('offset')]
    if (![x, mean, variance, scale ?? x, offset ?? x].every((value) => areFloat(value))) return undefined
    const epsilon = writer.scalar(numberAt(attrs, 'varianceEpsilon'), 'float32')
    const root = unary(writer, 'Rsqrt', binary(writer, 'AddV2', variance, epsilon))
    const normal = binary(
      writer,
      'Mul',
      binary(writer, 'Sub', x, mean),
      scale ? binary(writer, 'Mul', root, scale) : root,
    )
    return offset ? binary(writer, 'AddV2', normal, offset) : normal
  },
  Softmax(writer, inputs, attrs) {
    const x = inputs.get('logits')
    const axis = numberAt(attrs, 'dim')
    return areFloat(x) && axis === x.shape.length - 1 ? unary(writer, 'Softmax', x) : undefined
  },
  Cast(writer, inputs, attrs) {
    const x = inputs.get('x')
    const dtype = DATA_TYPES.find((name) => name === attrs['dtype'])
    return dtype && cast(writer, x, dtype)
  },
}

const DATA_TYPES: readonly DataType[] = ['float32', 'int32', 'bool']
