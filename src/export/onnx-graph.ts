import { ConfigError } from '../errors.js'
import type { Attribute, DataType, Operation, Value } from '../jit/graph.js'
import { Message } from '../io/protobuf.js'
import { SIZES_OP } from './open-graph.js'

/** ONNX's numbers of types (`onnx.proto`, `TensorProto.DataType`). */
export const onnxTypes = { float32: 1, int32: 6, int64: 7, bool: 9 } as const

type OnnxAttribute = number | readonly number[] | { readonly float: number }

/** A graph being written: nodes are added, names are given. */
export class OnnxGraph {
  readonly nodes: Message[] = []
  readonly initializers: Message[] = []
  private readonly names = new Map<Value, string>()
  private readonly known = new Map<string, string>()
  private count = 0

  /** What a value is called. */
  nameOf(value: Value): string {
    const { node } = value
    const name = this.names.get(value)
    if (name !== undefined) return name
    if (node.kind !== 'constant') throw new ConfigError('a value that nothing makes', { found: node.kind })
    const values = node.values
    const made = this.initializer(
      onnxTypes[value.dtype],
      value.shape,
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    )
    this.names.set(value, made)
    return made
  }

  setName(value: Value, name: string): void {
    this.names.set(value, name)
  }

  /** Adds a node with one result. @returns the result's name */
  add(op: string, inputs: readonly string[], attributes: Readonly<Record<string, OnnxAttribute>> = {}): string {
    const output = `v${this.count++}`
    const node = new Message()
    for (const input of inputs) node.text(1, input)
    node.text(2, output).text(3, output).text(4, op)
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value))
    this.nodes.push(node)
    return output
  }

  /** A constant of int64, as ONNX wants shapes, axes and the like; a scalar if it is a number. */
  ints(numbers: number | readonly number[]): string {
    const list = typeof numbers === 'number' ? [numbers] : numbers
    const key = `${typeof numbers}:${list.join()}`
    const known = this.known.get(key)
    if (known !== undefined) return known
    const shape = typeof numbers === 'number' ? [] : [list.length]
    const made = this.initializer(onnxTypes.int64, shape, new Uint8Array(BigInt64Array.from(list.map(BigInt)).buffer))
    this.known.set(key, made)
    return made
  }

  /** A scalar of float32. */
  float(number: number): string {
    return this.initializer(onnxTypes.float32, [], new Uint8Array(Float32Array.of(number).buffer))
  }

  /** A value as int64. */
  asInts(value: Value): string {
    const { node } = value
    if (node.kind === 'constant') return this.ints([...node.values])
    if (node.kind === 'operation' && node.op === SIZES_OP) return this.nameOf(value) // is int64 already
    return this.add('Cast', [this.nameOf(value)], { to: onnxTypes.int64 })
  }

  private initializer(type: number, shape: readonly number[], bytes: Uint8Array): string {
    const name = `c${this.count++}`
    this.initializers.push(tensorProto(name, type, shape).bytes(9, bytes))
    return name
  }
}

/** A `TensorProto` without its data. */
export function tensorProto(name: string, type: number, shape: readonly number[]): Message {
  const tensor = new Message()
  for (const size of shape) tensor.int(1, size)
  return tensor.int(2, type).text(8, name)
}

/** A `ValueInfoProto`; a dimension that is a text is open and called so. */
export function valueInfo(name: string, type: DataType | 'int64', dimensions: readonly (number | string)[]): Message {
  const shape = new Message().messages(
    1,
    dimensions.map((size) => (typeof size === 'number' ? new Message().int(1, size) : new Message().text(2, size))),
  )
  return new Message()
    .text(1, name)
    .message(2, new Message().message(1, new Message().int(1, onnxTypes[type]).message(2, shape)))
}

function attribute(name: string, value: OnnxAttribute): Message {
  const message = new Message().text(1, name)
  if (typeof value === 'number') return message.int(3, value).int(20, 2)
  if ('float' in value) return message.float(2, value.float).int(20, 1)
  for (const one of value) message.int(8, one)
  return message.int(20, 7)
}

/** Attributes of a recorded operation. */
export function boolAttribute({ attributes }: Operation, name: string): boolean {
  const value = attributes[name]
  return value !== undefined && 'bool' in value && value.bool
}

export function intAttribute({ attributes }: Operation, name: string): number {
  const value: Attribute | undefined = attributes[name]
  return value !== undefined && 'int' in value ? value.int : 0
}

export function floatAttribute({ attributes }: Operation, name: string, otherwise: number): number {
  const value: Attribute | undefined = attributes[name]
  return value !== undefined && 'float' in value ? value.float : otherwise
}

/** The numbers of an input that must be constant. */
export function constantInts(node: Operation, input: number): readonly number[] {
  const from = node.inputs[input]?.node
  if (from?.kind === 'constant') return [...from.values]
  throw new ConfigError('ONNX wants a constant here', { found: from?.kind, where: `input ${input} of ${node.op}` })
}
