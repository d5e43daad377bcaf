import { TraceError } from '../../errors.js'
import { type Argument, type Constant, isChecked, operation, type Value } from '../graph.js'
import { type NativeAttribute, type NativeTensor, TYPE_NUMBERS } from './native-backend.js'
import { isRepeated } from '../is-repeated.js'
import { asAttribute, dataType } from './recorded-types.js'
import type { ShapeInference } from './shape-inference.js'
import { dataDependentError, randomError } from './trace-guards.js'
import { userLine } from './user-line.js'

/** Recorded tensors have negative numbers, the addon's own are from 0; −1 is tfjs-node's for none. Never used again. */
let nextId = -2

/** Writes a graph down node by node, with tensors by their numbers, as tfjs-node's addon knows them. */
export class GraphWriter {
  readonly #shapes: ShapeInference
  readonly #values = new Map<number, Value>()
  readonly #handles = new Map<Value, number>()

  constructor(shapes: ShapeInference) {
    this.#shapes = shapes
  }

  /** @throws TraceError for a tensor of another recording */
  value(id: number): Value {
    const value = this.#values.get(id)
    if (value) return value
    throw new TraceError('A tensor made while one function was recorded is used in another', { where: userLine() })
  }

  /** @returns the node, and the number of what stands for the tensor */
  argument(index: number, tensor: NativeTensor): { readonly node: Argument; readonly id: number } {
    const node: Argument & { readonly outputs: Value[] } = { kind: 'argument', index, outputs: [] }
    return { node, id: this.#add(this.#input(node, tensor)) }
  }

  /** From now on the tensor's own number stands for it. */
  capture(value: Value, { id, dtype, shape }: NativeTensor): void {
    this.#values.set(id, value)
    this.#handles.set(value, this.#shapes.input(dtype, shape, id))
  }

  #input(node: Argument & { readonly outputs: Value[] }, { shape, dtype, id }: NativeTensor): Value {
    const value: Value = { node, output: 0, shape: [...shape], dtype: dataType(dtype) }
    node.outputs.push(value)
    this.#handles.set(value, this.#shapes.input(dtype, shape, id))
    return value
  }

  constant(shape: readonly number[], dtype: number, values: unknown): number {
    if (!isNumbers(values)) throw new TraceError('`jit` records tensors of numbers only', { where: userLine() })
    if (values.length >= LARGE && isRepeated(values)) return this.#filled(shape, dtype, values.slice(0, 1))
    const copy = values.slice() // they are the caller's
    const outputs: Value[] = []
    const node: Constant = { kind: 'constant', values: copy, outputs }
    const value: Value = { node, output: 0, shape: [...shape], dtype: dataType(dtype) }
    outputs.push(value)
    this.#handles.set(value, this.#shapes.constant(dtype, shape, copy))
    return this.#add(value)
  }

  /** One number everywhere, as the ones and zeros of gradients, is no array. */
  #filled(shape: readonly number[], dtype: number, value: unknown): number {
    const attributes = { T: dtype, index_type: TYPE_NUMBERS.int32 }
    const inputs = [
      this.constant([shape.length], TYPE_NUMBERS.int32, Int32Array.from(shape)),
      this.constant([], dtype, value),
    ]
    const types = Object.entries(attributes).map(([name, value]) => ({ name, type: TYPE_ATTRIBUTE, value }))
    return this.operation('Fill', types, inputs, 1)[0]?.id ?? 0
  }

  operation(
    op: string,
    attributes: readonly NativeAttribute[],
    inputs: readonly number[],
    count: number,
  ): NativeTensor[] {
    if (RANDOM.test(op)) throw randomError()
    if (DATA_DEPENDENT.has(op)) throw dataDependentError(op)
    const values = inputs.map((id) => this.value(id))
    const typed = op === 'Mean' ? attributes.map((attribute) => typedAs(attribute, values[0])) : attributes
    const named = Object.fromEntries(typed.map((attribute) => [attribute.name, asAttribute(attribute)]))
    const results = this.#infer(op, typed, values, count)
    const shapes = results.map(({ shape, dtype }) => ({ shape, dtype: dataType(dtype) }))
    const { outputs } = operation(op, values, shapes, named, isChecked(op) ? userLine() : undefined)
    return results.flatMap(({ id, shape, dtype }, i) => {
      const value = outputs[i]
      if (!value) return []
      this.#handles.set(value, id)
      return [{ id: this.#add(value), shape, dtype }]
    })
  }

  #infer(
    op: string,
    attributes: readonly NativeAttribute[],
    inputs: readonly Value[],
    count: number,
  ): readonly NativeTensor[] {
    const handles = inputs.map((value) => this.#handles.get(value) ?? -1)
    let results: readonly NativeTensor[]
    try {
      results = this.#shapes.operation(op, attributes, handles, count)
    } catch (cause) {
      throw new TraceError(cause instanceof Error ? cause.message : String(cause), { where: userLine(), cause })
    }
    if (results.some(({ shape }) => shape.some((size) => size < 0))) throw dataDependentError(op)
    return results
  }

  #add(value: Value): number {
    this.#values.set(nextId, value)
    return nextId--
  }
}

/** tfjs-node's mean makes float32 of what it takes, but still names the type that it had. */
const typedAs = (attribute: NativeAttribute, taken: Value | undefined): NativeAttribute =>
  attribute.name === 'T' && taken ? { ...attribute, value: TYPE_NUMBERS[taken.dtype] } : attribute

/** Elements from which on an array is worth looking through. */
const LARGE = 1024
/** TensorFlow's number of the kind of attribute. */
const TYPE_ATTRIBUTE = 4

const RANDOM = /^(?:Stateless)?(?:Random|Truncated|Multinomial)/

/** What they return has as many elements as the values say. */
const DATA_DEPENDENT: ReadonlySet<string> = new Set([
  ...['Where', 'Unique', 'UniqueV2', 'NonMaxSuppressionV3', 'NonMaxSuppressionV4', 'NonMaxSuppressionV5'],
])

function isNumbers(values: unknown): values is Float32Array | Int32Array | Uint8Array {
  return ['Float32Array', 'Int32Array', 'Uint8Array'].includes(Object.prototype.toString.call(values).slice(8, -1))
}
