import type { FileContent } from '../io/save-folder.js'
import { nodesOf } from '../jit/graph.js'
import { Message } from '../io/protobuf.js'
import { OnnxGraph, onnxTypes, tensorProto, valueInfo } from './onnx-graph.js'
import { addOperation } from './onnx-ops.js'
import type { Signature } from './saved-model.js'
import type { Weight } from './weight.js'

/** Opset 17 and the version of the file format that came with it. */
const OPSET = 17
const IR_VERSION = 8

const DATA_FILE = 'model.onnx_data'

/**
 * ONNX models, one for each signature under the file names that transformers.js knows; the weights lie beside them in one file
 * that all of them use. Source: `onnx.proto`.
 */
export function onnxFiles(signatures: readonly Signature[]): Map<string, FileContent> {
  const weights = new Map(signatures.flatMap(({ weights: all }) => all.map((weight) => [weight.name, weight])))
  const places = new Map<string, number>()
  let length = 0
  for (const weight of weights.values()) {
    places.set(weight.name, length)
    length += byteLength(weight)
  }
  const fileNames: Readonly<Record<string, string>> = { image: 'vision_model', text: 'text_model' }
  const models = signatures.map((signature): [string, FileContent] => [
    `${(signatures.length > 1 ? fileNames[signature.name] : undefined) ?? 'model'}.onnx`,
    model(signature, places),
  ])
  return new Map<string, FileContent>([
    ...models,
    [
      DATA_FILE,
      function* () {
        for (const { bytes } of weights.values()) yield bytes()
      },
    ],
  ])
}

function model(signature: Signature, places: ReadonlyMap<string, number>): Uint8Array {
  const { graph, inputs, outputs, weights, name } = signature
  const onnx = new OnnxGraph()
  const message = new Message()
  graph.arguments.forEach(({ outputs: [value] }, i) => {
    if (!value) return
    const input = inputs[i] ?? ''
    const int = value.dtype === 'int32' // callers pass ids as int64
    message.message(11, valueInfo(input, int ? 'int64' : value.dtype, graph.dimensions.get(value) ?? value.shape))
    onnx.setName(value, int ? onnx.add('Cast', [input], { to: onnxTypes.int32 }) : input)
  })
  for (const node of nodesOf(graph.results)) {
    const [value] = node.outputs
    if (node.kind === 'operation') addOperation(onnx, node)
    else if (node.kind === 'capture' && value) onnx.setName(value, weights[node.index]?.name ?? '')
  }
  graph.results.forEach((value, i) => {
    const output = outputs[i] ?? ''
    onnx.nodes.push(new Message().text(1, onnx.nameOf(value)).text(2, output).text(3, output).text(4, 'Identity'))
    message.message(12, valueInfo(output, value.dtype, graph.dimensions.get(value) ?? value.shape))
  })
  const outside = weights.map((weight) => external(weight, places.get(weight.name) ?? 0))
  message.messages(1, onnx.nodes).text(2, name).messages(5, onnx.initializers).messages(5, outside)
  const opset = new Message().text(1, '').int(2, OPSET)
  return new Message().int(1, IR_VERSION).text(2, 'siglip-tfjs').message(7, message).message(8, opset).finish()
}

/** A tensor whose bytes are in another file. */
function external(weight: Weight, offset: number): Message {
  const tensor = tensorProto(weight.name, onnxTypes[weight.dtype], weight.shape)
  const entries = { location: DATA_FILE, offset: String(offset), length: String(byteLength(weight)) }
  for (const [key, value] of Object.entries(entries)) tensor.message(13, new Message().text(1, key).text(2, value))
  return tensor.int(14, 1)
}

function byteLength({ shape, dtype }: Weight): number {
  return shape.reduce((product, size) => product * size, dtype === 'bool' ? 1 : 4)
}
