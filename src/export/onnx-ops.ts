import { ConfigError } from '../errors.js'
import type { Operation, Value } from '../jit/graph.js'
import { boolAttribute, constantInts, floatAttribute, intAttribute, onnxTypes, type OnnxGraph } from './onnx-graph.js'
import { SIZES_OP } from './open-graph.js'

/**
 * Adds what one of TensorFlow's operations is in ONNX (opset 17); `x` and `all` name its inputs as far as they are asked for.
 *
 * @returns the name of the result
 */
type Rule = (graph: OnnxGraph, node: Operation, x: () => string, all: () => readonly string[]) => string

const same =
  (op: string): Rule =>
  (graph, _, __, all) =>
    graph.add(op, all())

const reduce =
  (op: string): Rule =>
  (graph, node, x) => {
    const axes = constantInts(node, 1)
    const keepdims = boolAttribute(node, 'keep_dims') ? 1 : 0
    if (axes.length === 0) return graph.add('Identity', [x()])
    // In opset 17 only ReduceSum takes the axes as an input.
    return op === 'ReduceSum'
      ? graph.add(op, [x(), graph.ints(axes)], { keepdims })
      : graph.add(op, [x()], { axes, keepdims })
  }

const product: Rule = (graph, node) => {
  const [a, b] = node.inputs
  const turned = (value: Value | undefined, attributes: readonly string[]): string => {
    const name = value ? graph.nameOf(value) : ''
    if (!attributes.some((attribute) => boolAttribute(node, attribute))) return name
    const rank = value?.shape.length ?? 2
    const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i))
    return graph.add('Transpose', [name], { perm })
  }
  return graph.add('MatMul', [turned(a, ['adj_x', 'transpose_a']), turned(b, ['adj_y', 'transpose_b'])])
}

const typeNames: Readonly<Record<number, number>> = { 1: onnxTypes.float32, 3: onnxTypes.int32, 10: onnxTypes.bool }

const rules: Readonly<Record<string, Rule>> = {
  Add: same('Add'),
  AddV2: same('Add'),
  Sub: same('Sub'),
  Mul: same('Mul'),
  RealDiv: same('Div'),
  Div: same('Div'),
  Maximum: same('Max'),
  Minimum: same('Min'),
  Pow: same('Pow'),
  Neg: same('Neg'),
  Abs: same('Abs'),
  Sign: same('Sign'),
  Sqrt: same('Sqrt'),
  Exp: same('Exp'),
  Log: same('Log'),
  Tanh: same('Tanh'),
  Erf: same('Erf'),
  Sigmoid: same('Sigmoid'),
  Softplus: same('Softplus'),
  Relu: same('Relu'),
  Elu: same('Elu'),
  Floor: same('Floor'),
  Ceil: same('Ceil'),
  Identity: same('Identity'),
  Equal: same('Equal'),
  Less: same('Less'),
  LessEqual: same('LessOrEqual'),
  Greater: same('Greater'),
  GreaterEqual: same('GreaterOrEqual'),
  LogicalAnd: same('And'),
  LogicalOr: same('Or'),
  LogicalNot: same('Not'),
  Select: same('Where'),
  SelectV2: same('Where'),
  NotEqual: (graph, _, __, all) => graph.add('Not', [graph.add('Equal', all())]),
  Square: (graph, _, x) => graph.add('Mul', [x(), x()]),
  SquaredDifference: (graph, _, __, all) => {
    const difference = graph.add('Sub', all())
    return graph.add('Mul', [difference, difference])
  },
  Rsqrt: (graph, _, __, all) => graph.add('Reciprocal', [graph.add('Sqrt', all())]),
  Reciprocal: same('Reciprocal'),
  Expm1: (graph, _, __, all) => graph.add('Sub', [graph.add('Exp', all()), graph.float(1)]),
  Log1p: (graph, _, x) => graph.add('Log', [graph.add('Add', [x(), graph.float(1)])]),
  Relu6: (graph, _, x) => graph.add('Clip', [x(), graph.float(0), graph.float(6)]),
  ClipByValue: same('Clip'),
  LeakyRelu: (graph, node, _, all) =>
    graph.add('LeakyRelu', all(), { alpha: { float: floatAttribute(node, 'alpha', 0.2) } }),
  ZerosLike: (graph, _, x) => graph.add('Mul', [x(), graph.float(0)]),
  BatchMatMul: product,
  BatchMatMulV2: product,
  MatMul: product,
  Softmax: (graph, _, __, all) => graph.add('Softmax', all(), { axis: -1 }),
  LogSoftmax: (graph, _, __, all) => graph.add('LogSoftmax', all(), { axis: -1 }),
  Mean: reduce('ReduceMean'),
  Sum: reduce('ReduceSum'),
  Max: reduce('ReduceMax'),
  Min: reduce('ReduceMin'),
  Prod: reduce('ReduceProd'),
  Cast: (graph, node, _, all) => {
    const to = node.attributes['DstT']
    return graph.add('Cast', all(), {
      to: typeNames[to !== undefined && 'type' in to ? to.type : 1] ?? onnxTypes.float32,
    })
  },
  Reshape: (graph, { inputs: [, shape] }, x) => graph.add('Reshape', [x(), shape ? graph.asInts(shape) : '']),
  ExpandDims: (graph, node, x) => graph.add('Unsqueeze', [x(), graph.ints(constantInts(node, 1))]),
  Transpose: (graph, node, x) => graph.add('Transpose', [x()], { perm: constantInts(node, 1) }),
  Slice: (graph, node, x) => {
    const begin = constantInts(node, 1)
    const [data, , size] = node.inputs
    const axes = begin.map((_, axis) => axis)
    if (size?.node.kind !== 'constant') {
      const ends = graph.add('Add', [graph.ints(begin), size ? graph.asInts(size) : ''])
      return graph.add('Slice', [x(), graph.ints(begin), ends, graph.ints(axes)])
    }
    const sizes = constantInts(node, 2)
    const ends = begin.map((from, axis) => (sizes[axis] === -1 ? (data?.shape[axis] ?? 0) : from + (sizes[axis] ?? 0)))
    return graph.add('Slice', [x(), graph.ints(begin), graph.ints(ends), graph.ints(axes)])
  },
  ConcatV2: (graph, node) =>
    graph.add(
      'Concat',
      node.inputs.slice(0, -1).map((value) => graph.nameOf(value)),
      {
        axis: constantInts(node, node.inputs.length - 1)[0] ?? 0,
      },
    ),
  Pack: (graph, node, _, all) => {
    const axis = intAttribute(node, 'axis')
    return graph.add(
      'Concat',
      all().map((input) => graph.add('Unsqueeze', [input, graph.ints([axis])])),
      { axis },
    )
  },
  PadV2: (graph, node, x) => {
    const pads = constantInts(node, 1)
    const [before, after] = [0, 1].map((side) => pads.filter((_, i) => i % 2 === side))
    return graph.add('Pad', [
      x(),
      graph.ints([...(before ?? []), ...(after ?? [])]),
      node.inputs[2] ? graph.nameOf(node.inputs[2]) : '',
    ])
  },
  Tile: (graph, { inputs: [, repeats] }, x) => graph.add('Tile', [x(), repeats ? graph.asInts(repeats) : '']),
  BroadcastTo: (graph, { inputs: [, shape] }, x) => graph.add('Expand', [x(), shape ? graph.asInts(shape) : '']),
  Fill: (graph, { inputs: [shape, value] }) =>
    graph.add('Expand', [value ? graph.nameOf(value) : '', shape ? graph.asInts(shape) : '']),
  GatherV2: (graph, node) =>
    graph.add(
      'Gather',
      node.inputs.slice(0, 2).map((value) => graph.nameOf(value)),
      { axis: constantInts(node, 2)[0] ?? 0 },
    ),
  [SIZES_OP]: (graph, node, _, all) => {
    const { base, slopes } = node.attributes
    const numbers = base && 'ints' in base ? base.ints : []
    const factors = slopes && 'ints' in slopes ? slopes.ints : []
    return all().reduce((sum, input, k) => {
      const size = graph.add('Slice', [graph.add('Shape', [input]), graph.ints([0]), graph.ints([1])])
      const slope = graph.ints(factors.slice(k * numbers.length, (k + 1) * numbers.length))
      return graph.add('Add', [sum, graph.add('Mul', [size, slope])])
    }, graph.ints(numbers))
  },
}

/** @throws {ConfigError} for an operation that no rule is known for */
export function addOperation(graph: OnnxGraph, node: Operation): void {
  const [result] = node.outputs
  const rule = Object.hasOwn(rules, node.op) ? rules[node.op] : undefined
  if (rule === undefined || result === undefined || node.outputs.length > 1) {
    throw new ConfigError('this operation cannot be exported to ONNX', { found: node.op, where: node.line })
  }
  const all = (): string[] => node.inputs.map((value) => graph.nameOf(value))
  const x = (): string => (node.inputs[0] ? graph.nameOf(node.inputs[0]) : '')
  graph.setName(result, rule(graph, node, x, all))
}
