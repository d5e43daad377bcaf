import type { FileContent } from '../io/save-folder.js'
import type { DataType } from '../jit/graph.js'
import { attr, constNode, graphNodes, nodeDef, shapeProto, tensorFlowTypes } from './graph-def.js'
import { Message } from '../io/protobuf.js'
import type { OpenGraph } from './open-graph.js'
import { tensorBundle } from './tensor-bundle.js'
import type { Weight } from './weight.js'

/** A function that the file offers. */
export interface Signature {
  readonly name: string
  readonly graph: OpenGraph
  /** Names of the graph's arguments and results, in their order. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** What the graph's captures are, in their order. */
  readonly weights: readonly Weight[]
}

const VARIABLES = 'variables/variables'

/**
 * The files of a SavedModel, TensorFlow's exchange format: a graph with variables, restored from a checkpoint, and signatures.
 * Source: `saved_model.proto`, and `BuilderImpl` of TensorFlow's `saved_model/builder_impl.py`.
 */
export function savedModelFiles(signatures: readonly Signature[]): Map<string, FileContent> {
  const weights = new Map(signatures.flatMap(({ weights: all }) => all.map((weight) => [weight.name, weight])))
  const nodes = [...weights.values()].flatMap(variableNodes)
  const graph = new Message().messages(1, nodes).messages(1, restoreNodes([...weights.values()]))
  const meta = new Message()
    .message(1, new Message().text(4, 'serve').text(5, '2.21.0'))
    .message(3, new Message().text(1, 'save/Const:0').text(2, 'save/path:0').text(3, 'save/restore_all').int(7, 2))
    .entry(4, 'variables', variableDefs([...weights.keys()]))
  for (const signature of signatures) {
    const { name, inputs, outputs } = signature
    const named = graphNodes(signature.graph, name, (index) => `${signature.weights[index]?.name ?? ''}/read`)
    graph.messages(1, named.nodes)
    const definition = new Message()
    signature.graph.arguments.forEach(({ outputs: [value] }, i) => {
      if (value) definition.entry(1, inputs[i] ?? '', tensorInfo(`${named.nameOf(value)}:0`, value.dtype, value.shape))
    })
    signature.graph.results.forEach((value, i) => {
      const tensor = named.nameOf(value)
      definition.entry(
        2,
        outputs[i] ?? '',
        tensorInfo(tensor.includes(':') ? tensor : `${tensor}:0`, value.dtype, value.shape),
      )
    })
    meta.entry(5, name, definition.text(3, 'tensorflow/serving/predict'))
  }
  graph.message(4, new Message().int(1, 1087).int(2, 12))
  meta.message(2, graph)
  return new Map<string, FileContent>([
    ['saved_model.pb', new Message().int(1, 1).message(2, meta).finish()],
    ...tensorBundle(VARIABLES, [...weights.values()]),
  ])
}

function tensorInfo(name: string, dtype: DataType, shape: readonly number[]): Message {
  return new Message().text(1, name).int(2, tensorFlowTypes[dtype]).message(3, shapeProto(shape))
}

function variableNodes({ name, dtype, shape }: Weight): Message[] {
  const type = { dtype: attr.type(dtype) }
  return [
    nodeDef(name, 'VarHandleOp', [], {
      ...type,
      shape: attr.shape(shape),
      shared_name: attr.text(name),
      container: attr.text(''),
    }),
    nodeDef(`${name}/read`, 'ReadVariableOp', [name], type),
  ]
}

/** What reads the checkpoint into the variables. */
function restoreNodes(weights: readonly Weight[]): Message[] {
  const names = weights.map(({ name }) => name)
  const dtypes = weights.map(({ dtype }) => dtype)
  const texts = (name: string, values: readonly string[]): Message =>
    nodeDef(name, 'Const', [], { dtype: attr.stringType(), value: attr.texts(values) })
  const prefix = new Message().message(8, new Message().int(1, 7).message(2, shapeProto([])).text(8, VARIABLES))
  return [
    nodeDef('save/Const', 'Const', [], { dtype: attr.stringType(), value: prefix }),
    texts('save/names', names),
    texts(
      'save/slices',
      names.map(() => ''),
    ),
    nodeDef('save/RestoreV2', 'RestoreV2', ['save/Const', 'save/names', 'save/slices'], { dtypes: attr.types(dtypes) }),
    nodeDef(
      'save/SaveV2',
      'SaveV2',
      ['save/Const', 'save/names', 'save/slices', ...names.map((name) => `${name}/read`)],
      {
        dtypes: attr.types(dtypes),
      },
    ),
    nodeDef('save/path', 'Identity', ['save/Const', '^save/SaveV2'], { T: attr.stringType() }),
    ...weights.map(({ name, dtype }, i) =>
      nodeDef(`save/assign_${i}`, 'AssignVariableOp', [name, i === 0 ? 'save/RestoreV2' : `save/RestoreV2:${i}`], {
        dtype: attr.type(dtype),
      }),
    ),
    nodeDef(
      'save/restore_all',
      'NoOp',
      weights.map((_, i) => `^save/assign_${i}`),
    ),
    ...weights.flatMap(({ name, dtype, shape }) => {
      // Asked for by the definition of a variable, and never run: the checkpoint fills them.
      const zero = `${name}/zero`
      return [
        constNode(zero, dtype, [], dtype === 'bool' ? Uint8Array.of(0) : new Int32Array(1)),
        constNode(`${name}/shape`, 'int32', [shape.length], Int32Array.from(shape)),
        nodeDef(`${name}/initial`, 'Fill', [`${name}/shape`, zero], {
          T: attr.type(dtype),
          index_type: attr.type('int32'),
        }),
        nodeDef(`${name}/assign`, 'AssignVariableOp', [name, `${name}/initial`], { dtype: attr.type(dtype) }),
      ]
    }),
  ]
}

/** The collection of `VariableDef`s (`variable.proto`), by which a loader finds the variables. */
function variableDefs(names: readonly string[]): Message {
  const list = new Message()
  for (const name of names) {
    const definition = new Message().text(1, `${name}:0`).text(2, `${name}/assign`).text(3, `${name}/read:0`)
    list.bytes(1, definition.int(5, 1).text(6, `${name}/initial:0`).int(7, 1).finish())
  }
  return new Message().message(2, list)
}
