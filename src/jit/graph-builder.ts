import {
  type Attribute,
  type Attributes,
  type Constant,
  type DataType,
  type Graph,
  type Node,
  nodesOf,
  operation,
  type Operation,
  type Value,
} from './graph.js'
import { elementwiseOps } from './program/program.js'
import { tables } from '../backend/engine/tables.js'
import { largest } from '../largest.js'

type ElementwiseOp = (typeof elementwiseOps)[number]
type ProductActivation = Exclude<(typeof tables.activations)[number], 'none'>
/** Activations of a product's epilogue that are several operations on elements anywhere else. */
export type ComposedActivation = Exclude<ProductActivation, ElementwiseOp>

/** What a product's epilogue applies. */
export const productActivations = tables.activations.filter((name) => name !== 'none')
export const composedActivations = productActivations.filter(
  (name): name is ComposedActivation => !elementwiseOps.some((op) => op === name),
)

/** Operations on elements that give 1 or 0: those that native/program/ops.def marks. */
const conditions: ReadonlySet<string> = new Set<ElementwiseOp>([
  ...(['isNan', 'not', 'equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual', 'and', 'or'] as const),
])

/** Operations on each element: the engine's own, the activations, and `float`, which converts a bool or int32. */
const elementwise = new Set<string>([
  ...elementwiseOps.slice(elementwiseOps.indexOf('negative')),
  ...composedActivations,
  'float',
])

export const isElementwise = (node: Node): boolean => node.kind === 'operation' && elementwise.has(node.op)

/** The operation that makes a value, if it is an `op`. */
export function madeBy(value: Value | undefined, op: string): Operation | undefined {
  return value?.node.kind === 'operation' && value.node.op === op ? value.node : undefined
}

/** The number that a constant of one element is. */
export function scalarOf(value: Value | undefined): number | undefined {
  if (!value) return undefined
  const through = madeBy(value, 'reshape') ?? madeBy(value, 'broadcast')
  if (through) return scalarOf(through.inputs[0])
  return value.node.kind === 'constant' && value.node.values.length === 1 ? value.node.values[0] : undefined
}

/** An attribute that is a list of integers. */
export function intsOf(node: Operation, name: string): readonly number[] {
  const attribute = node.attributes[name]
  return attribute && 'ints' in attribute ? attribute.ints : []
}

/** An attribute that is a number. */
export function numberOf(node: Operation, name: string, otherwise: number): number {
  const attribute = node.attributes[name]
  if (attribute && 'float' in attribute) return attribute.float
  return attribute && 'int' in attribute ? attribute.int : otherwise
}

/** An attribute that is a text. */
export function textOf(node: Operation, name: string): string {
  const attribute = node.attributes[name]
  return attribute && 'string' in attribute ? attribute.string : ''
}

/** An attribute that is a bool. */
export function flagOf(node: Operation, name: string): boolean {
  const attribute = node.attributes[name]
  return attribute !== undefined && 'bool' in attribute && attribute.bool
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1)

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i])

/** The shape that values of these shapes have in common when dimensions of 1 repeat. */
export function broadcastShape(shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = largest(
    shapes.map((shape) => shape.length),
    0,
  )
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[i - rank + shape.length] ?? 1)
    return sizes.find((size) => size !== 1) ?? 1
  })
}

/**
 * Makes values of the few operations that lowering knows (their names begin with a small letter). What is asked for twice is
 * made once, and what does nothing is not made at all.
 */
export class GraphBuilder {
  readonly #made = new Map<string, Operation>()
  readonly #numbers = new Map<Node, number>()

  operation(
    op: string,
    inputs: readonly Value[],
    shape: readonly number[],
    dtype: DataType,
    attributes: Attributes = {},
  ): Value {
    const named = inputs.map((input) => this.#nameOf(input))
    const key = JSON.stringify([op, named, shape, dtype, attributes])
    let node = this.#made.get(key)
    if (!node) {
      node = operation(op, inputs, [{ shape, dtype }], attributes)
      this.#made.set(key, node)
    }
    return only(node)
  }

  scalar(value: number): Value {
    return this.constant(new Float32Array([value]), [], 'float32')
  }

  constant(values: Constant['values'], shape: readonly number[], dtype: DataType): Value {
    const outputs: Value[] = []
    const node: Constant = { kind: 'constant', values, outputs }
    const value: Value = { node, output: 0, shape, dtype }
    outputs.push(value)
    return value
  }

  reshape(x: Value, shape: readonly number[]): Value {
    if (sameShape(x.shape, shape)) return x
    const inner = madeBy(x, 'reshape')
    if (inner) return this.reshape(at(inner.inputs, 0), shape)
    const repeated = scalarOf(x)
    if (repeated !== undefined && madeBy(x, 'broadcast')) return this.broadcast(one(x), shape)
    return this.operation('reshape', [x], shape, x.dtype)
  }

  /** Dimension i of the result is dimension `order[i]` of `x`. */
  transpose(x: Value, order: readonly number[]): Value {
    if (order.every((from, i) => from === i)) return x
    const shape = order.map((from) => at(x.shape, from))
    const inner = madeBy(x, 'transpose')
    if (inner) {
      const before = intsOf(inner, 'order')
      return this.transpose(
        at(inner.inputs, 0),
        order.map((from) => at(before, from)),
      )
    }
    const moved = order.filter((from) => x.shape[from] !== 1)
    if (moved.every((from, i) => i === 0 || from > at(moved, i - 1))) return this.reshape(x, shape)
    return this.operation('transpose', [x], shape, x.dtype, { order: { ints: order } })
  }

  /** Every `steps[i]`-th of the elements from `begin[i]` on. */
  slice(x: Value, begin: readonly number[], steps: readonly number[], shape: readonly number[]): Value {
    if (sameShape(x.shape, shape) && begin.every((n) => n === 0)) return x
    return this.operation('slice', [x], shape, x.dtype, { begin: { ints: begin }, steps: { ints: steps } })
  }

  broadcast(x: Value, shape: readonly number[]): Value {
    if (sameShape(x.shape, shape)) return x
    if (sizeOf(x.shape) === sizeOf(shape)) return this.reshape(x, shape)
    const inner = madeBy(x, 'broadcast')
    return this.operation('broadcast', [inner ? at(inner.inputs, 0) : x], shape, x.dtype)
  }

  elementwise(op: string, ...operands: readonly Value[]): Value {
    // Repeating what has been computed is less work than computing what has been repeated.
    const inputs = operands.map((x) => at(madeBy(x, 'broadcast')?.inputs ?? [x], 0))
    const full = broadcastShape(operands.map(({ shape }) => shape))
    return this.broadcast(
      this.#identity(op, inputs) ??
        this.operation(
          op,
          inputs,
          broadcastShape(inputs.map(({ shape }) => shape)),
          conditions.has(op) ? 'bool' : 'float32',
        ),
      full,
    )
  }

  #identity(op: string, inputs: readonly Value[]): Value | undefined {
    const [a, b] = inputs
    if (!a || !b || inputs.length > 2) return undefined
    const [m, n] = [scalarOf(a), scalarOf(b)]
    const fold = folds[op]
    if (fold && m !== undefined && n !== undefined && sizeOf(a.shape) * sizeOf(b.shape) === 1) {
      return this.reshape(this.scalar(fold(m, n)), broadcastShape([a.shape, b.shape]))
    }
    const shape = broadcastShape([a.shape, b.shape])
    const rest = (x: Value): Value | undefined =>
      sizeOf(x.shape) === sizeOf(shape) ? this.reshape(x, shape) : undefined
    if ((op === 'multiply' || op === 'divide') && n === 1) return rest(a)
    if (op === 'multiply' && m === 1) return rest(b)
    // Only these zeros leave −0 as it is.
    if (op === 'subtract' && Object.is(n, 0)) return rest(a)
    if (op === 'add' && Object.is(n, -0)) return rest(a)
    if (op === 'add' && Object.is(m, -0)) return rest(b)
    return undefined
  }

  /** `sum` or `max` over `axes`, which stay as dimensions of 1. */
  reduce(op: 'sum' | 'max', x: Value, axes: readonly number[]): Value {
    const shape = x.shape.map((size, i) => (axes.includes(i) ? 1 : size))
    if (sameShape(shape, x.shape)) return x
    const reduced = x.shape.flatMap((size, i) => (axes.includes(i) && size !== 1 ? [i] : []))
    const kept = x.shape.flatMap((_, i) => (axes.includes(i) ? [] : [i]))
    const [firstReduced = Infinity] = reduced
    if (op === 'max' && firstReduced < (kept.findLast((i) => x.shape[i] !== 1) ?? -1)) {
      const order = [...kept, ...axes]
      const last = axes.map((_, i) => kept.length + i)
      return this.reshape(this.reduce(op, this.transpose(x, order), last), shape)
    }
    return this.operation(op, [x], shape, 'float32', { axes: { ints: reduced } })
  }

  softmax(x: Value): Value {
    return this.operation('softmax', [x], x.shape, 'float32')
  }

  /** `a` `[…, m, k]` by `b` `[…, k, n]`; what else a product's step does are further inputs, named by attributes. */
  product(a: Value, b: Value, shape: readonly number[], epilogue: Epilogue = {}): Value {
    const { alpha = 1, bias, activation = 'none', residual } = epilogue
    const attributes: Record<string, Attribute> = { alpha: { float: alpha }, activation: { string: activation } }
    const inputs = [a, b]
    if (bias) attributes.bias = { int: inputs.push(bias) - 1 }
    if (residual) attributes.residual = { int: inputs.push(residual) - 1 }
    return this.operation('product', inputs, shape, 'float32', attributes)
  }

  /** Equal for values known to be equal. */
  #nameOf({ node, output, shape, dtype }: Value): string {
    const value = node.kind === 'constant' && node.values.length === 1 ? node.values[0] : undefined
    if (value !== undefined) return `${dtype} ${Object.is(value, -0) ? '-0' : value} of ${shape.join()}`
    return `${this.#number(node)}.${output}`
  }

  #number(node: Node): number {
    let number = this.#numbers.get(node)
    if (number === undefined) this.#numbers.set(node, (number = this.#numbers.size))
    return number
  }
}

/** What a product does with its sums: `activation(alpha · sum + bias) + residual`. */
export interface Epilogue {
  readonly alpha?: number
  readonly bias?: Value | undefined
  readonly activation?: string
  readonly residual?: Value | undefined
}

export function epilogueOf(product: Operation): Required<Epilogue> {
  const { activation } = product.attributes
  return {
    alpha: numberOf(product, 'alpha', 1),
    bias: product.inputs[numberOf(product, 'bias', -1)],
    activation: activation && 'string' in activation ? activation.string : 'none',
    residual: product.inputs[numberOf(product, 'residual', -1)],
  }
}

const folds: Readonly<Record<string, (a: number, b: number) => number>> = {
  add: (a, b) => Math.fround(a + b),
  subtract: (a, b) => Math.fround(a - b),
  multiply: (a, b) => Math.fround(a * b),
  divide: (a, b) => Math.fround(a / b),
}

function only(node: Operation): Value {
  return at(node.outputs, 0)
}

function one(x: Value): Value {
  const through = madeBy(x, 'reshape') ?? madeBy(x, 'broadcast')
  return through ? one(at(through.inputs, 0)) : x
}

/** An element that is there. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index]
  if (item === undefined) throw new RangeError(`${index} of ${items.length}`)
  return item
}

/** Makes something else of an operation whose inputs have been rewritten; `undefined` keeps it. */
export type Rule = (node: Operation, inputs: readonly Value[]) => readonly Value[] | undefined

/** The graph with each operation, after what it uses, replaced as `rule` says. */
export function rewrite(graph: Graph, builder: GraphBuilder, rule: Rule): Graph {
  const now = new Map<Value, Value>()
  const renewed = (value: Value): Value => now.get(value) ?? value
  for (const node of nodesOf(graph.results)) {
    if (node.kind !== 'operation') continue
    const inputs = node.inputs.map(renewed)
    const replaced = rule(node, inputs) ?? kept(builder, node, inputs)
    node.outputs.forEach((value, i) => now.set(value, at(replaced, i)))
  }
  return { ...graph, results: graph.results.map(renewed) }
}

function kept(builder: GraphBuilder, node: Operation, inputs: readonly Value[]): readonly Value[] {
  const [first] = node.outputs
  if (first && isOurs(node)) return [builder.operation(node.op, inputs, first.shape, first.dtype, node.attributes)]
  if (inputs.every((input, i) => input === node.inputs[i])) return node.outputs
  return operation(node.op, inputs, node.outputs, node.attributes, node.line).outputs
}

/** Whether an operation is one of those lowering knows, which do nothing but compute their result. */
const isOurs = (node: Operation): boolean => /^[a-z]/.test(node.op)

/** How often each value is used, results included. */
export function usesOf(graph: Graph): ReadonlyMap<Value, number> {
  const uses = new Map<Value, number>()
  const use = (value: Value): void => void uses.set(value, (uses.get(value) ?? 0) + 1)
  for (const node of nodesOf(graph.results)) if (node.kind === 'operation') node.inputs.forEach(use)
  graph.results.forEach(use)
  return uses
}
