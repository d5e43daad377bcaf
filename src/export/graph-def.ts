import { ConfigError } from '../errors.js'
import { nodesOf, type Attribute, type DataType, type Node, type Operation, type Value } from '../jit/graph.js'
import { Message } from '../io/protobuf.js'
import { SIZES_OP, type OpenGraph } from './open-graph.js'

/** TensorFlow's numbers of types (`types.proto`). */
export const tensorFlowTypes: Readonly<Record<DataType, number>> = { float32: 1, int32: 3, bool: 10 }

/** A `NodeDef` (`node_def.proto`). */
export function nodeDef(
  name: string,
  op: string,
  inputs: readonly string[] = [],
  attributes: Readonly<Record<string, Message>> = {},
): Message {
  const message = new Message().text(1, name).text(2, op)
  for (const input of inputs) message.text(3, input)
  for (const [key, value] of Object.entries(attributes)) message.entry(5, key, value)
  return message
}

/** Values of attributes (`attr_value.proto`). */
export const attr = {
  type: (dtype: DataType) => new Message().int(6, tensorFlowTypes[dtype]),
  shape: (shape: readonly number[]) => new Message().message(7, shapeProto(shape)),
  text: (text: string) => new Message().text(2, text),
  types: (dtypes: readonly DataType[]) => {
    const list = new Message()
    for (const dtype of dtypes) list.int(6, tensorFlowTypes[dtype])
    return new Message().message(1, list)
  },
  tensor: (dtype: DataType, shape: readonly number[], values: Float32Array | Int32Array | Uint8Array) =>
    new Message().message(
      8,
      new Message()
        .int(1, tensorFlowTypes[dtype])
        .message(2, shapeProto(shape))
        .bytes(4, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
    ),
  texts: (texts: readonly string[]) => {
    const tensor = new Message().int(1, 7).message(2, shapeProto([texts.length]))
    for (const text of texts) tensor.text(8, text)
    return new Message().message(8, tensor)
  },
  stringType: () => new Message().int(6, 7),
} as const

/** A `TensorShapeProto`; -1 is an open dimension. */
export function shapeProto(shape: readonly number[]): Message {
  return new Message().messages(
    2,
    shape.map((size) => new Message().int(1, size)),
  )
}

/** A node that holds values. */
export function constNode(
  name: string,
  dtype: DataType,
  shape: readonly number[],
  values: Float32Array | Int32Array | Uint8Array,
): Message {
  return nodeDef(name, 'Const', [], { dtype: attr.type(dtype), value: attr.tensor(dtype, shape, values) })
}

/** The nodes of a graph under a prefix, and what its values are called there. */
export interface NamedNodes {
  readonly nodes: readonly Message[]
  readonly nameOf: (value: Value) => string
}

/** @param captureName what gives the value of a capture, by its number: a node outside */
export function graphNodes(graph: OpenGraph, prefix: string, captureName: (index: number) => string): NamedNodes {
  const names = new Map<Node, string>()
  const nodes: Message[] = []
  const nameOf = ({ node, output }: Value): string => {
    const name = names.get(node) ?? ''
    return output === 0 ? name : `${name}:${output}`
  }
  for (const node of [...graph.arguments, ...nodesOf(graph.results)]) {
    if (names.has(node)) continue
    const name =
      node.kind === 'capture'
        ? captureName(node.index)
        : `${prefix}/${node.kind === 'operation' ? node.op : node.kind}_${names.size}`
    names.set(node, name)
    const [value] = node.outputs
    if (node.kind === 'operation') {
      const inputs = node.inputs.map(nameOf)
      if (node.op === SIZES_OP) for (const made of sizesNodes(name, node, inputs)) nodes.push(made)
      else
        nodes.push(
          nodeDef(
            name,
            node.op,
            inputs,
            Object.fromEntries(Object.entries(node.attributes).map(([key, one]) => [key, attrValue(one)])),
          ),
        )
    } else if (value !== undefined && node.kind === 'argument') {
      nodes.push(nodeDef(name, 'Placeholder', [], { dtype: attr.type(value.dtype), shape: attr.shape(value.shape) }))
    } else if (value !== undefined && node.kind === 'constant') {
      nodes.push(constNode(name, value.dtype, value.shape, node.values))
    }
  }
  return { nodes, nameOf }
}

function attrValue(attribute: Attribute): Message {
  const message = new Message()
  if ('bool' in attribute) return message.int(5, attribute.bool ? 1 : 0)
  if ('int' in attribute) return message.int(3, attribute.int)
  if ('float' in attribute) return message.float(4, attribute.float)
  if ('string' in attribute) return message.text(2, attribute.string)
  if ('type' in attribute) return message.int(6, attribute.type)
  const list = new Message()
  if ('ints' in attribute) for (const one of attribute.ints) list.int(3, one)
  else for (const one of attribute.types) list.int(6, one)
  return message.message(1, list)
}

/** base + Σ slopes[k] · (first dimension of input k) */
function sizesNodes(name: string, node: Operation, inputs: readonly string[]): Message[] {
  const { base, slopes } = node.attributes
  if (base === undefined || !('ints' in base) || slopes === undefined || !('ints' in slopes))
    throw new ConfigError('sizes without numbers')
  const length = base.ints.length
  const T = attr.type('int32')
  const ints = (part: string, values: readonly number[], shape = [values.length]): Message =>
    constNode(`${name}/${part}`, 'int32', shape, Int32Array.from(values))
  const nodes = [ints('base', base.ints), ints('zero', [0]), ints('one', [1])]
  let sum = `${name}/base`
  inputs.forEach((input, k) => {
    const at = (part: string): string => `${name}/${part}_${k}`
    const last = k === inputs.length - 1
    nodes.push(
      nodeDef(at('shape'), 'Shape', [input], {
        out_type: T,
        T: attr.type(node.inputs[k]?.dtype ?? 'float32'),
      }),
      nodeDef(at('size'), 'Slice', [at('shape'), `${name}/zero`, `${name}/one`], { T, Index: T }),
      ints(`slope_${k}`, slopes.ints.slice(k * length, (k + 1) * length)),
      nodeDef(at('part'), 'Mul', [at('size'), at('slope')], { T }),
      nodeDef(last ? name : at('sum'), 'AddV2', [sum, at('part')], { T }),
    )
    sum = at('sum')
  })
  return nodes
}
