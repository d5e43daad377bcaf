import * as tf from '@tensorflow/tfjs'
import { type Attribute, type Graph, nodesOf, type Value } from '../../src/jit/graph.js'
import {
  isNativeBackend,
  type NativeAttribute,
  type NativeBackend,
  TYPE_NUMBERS,
} from '../../src/jit/record/native-backend.js'
import type { Executable, GraphEngine } from '../../src/jit/record/recorded-function.js'
import { nativeHost } from '../../src/jit/record/native-host.js'
import { byRunning } from '../../src/jit/record/shape-inference.js'

/** Runs graphs as they stand, each operation by itself, as tfjs would. */
export const plainEngine: GraphEngine = {
  host(captures) {
    const backend = nativeBackend()
    return nativeHost(backend, () => byRunning(backend.binding))(captures)
  },
  compile: (graph) => {
    const run: Executable['run'] = (args, captures) => runGraph(graph, args, captures)
    return {
      run,
      start: (args, captures) => ({ ended: Promise.resolve(), finish: () => run(args, captures) }),
      dispose: () => undefined,
    }
  },
}

function nativeBackend(): NativeBackend {
  const { backend } = tf.engine()
  if (isNativeBackend(backend)) return backend
  throw new Error('not the native backend')
}

export function runGraph(graph: Graph, args: readonly tf.Tensor[], captures: readonly tf.Tensor[]): tf.Tensor[] {
  const backend = nativeBackend()
  const { binding } = backend
  const ids = new Map<Value, number>()
  const own: number[] = []
  const idOf = (tensor: tf.Tensor | undefined): number => backend.getInputTensorIds([tensor!])[0]!
  for (const node of nodesOf(graph.results)) {
    if (node.kind === 'argument') ids.set(node.outputs[0]!, idOf(args[node.index]))
    else if (node.kind === 'capture') ids.set(node.outputs[0]!, idOf(captures[node.index]))
    else if (node.kind === 'constant') {
      const [value] = node.outputs
      own.push(binding.createTensor(value!.shape, TYPE_NUMBERS[value!.dtype], node.values))
      ids.set(value!, own.at(-1)!)
    } else if (node.op === 'check') {
      const [checked] = node.outputs
      own.push(binding.createTensor(checked!.shape, TYPE_NUMBERS.bool, new Uint8Array(0)))
      ids.set(checked!, own.at(-1)!)
    } else {
      const attributes = Object.entries(node.attributes).map(([name, attribute]) => nativeAttribute(name, attribute))
      const inputs = node.inputs.map((input) => ids.get(input)!)
      const results = binding.executeOp(node.op, attributes, inputs, node.outputs.length)
      results.forEach(({ id }, i) => {
        own.push(id)
        ids.set(node.outputs[i]!, id)
      })
    }
  }
  const results = graph.results.map((value) => {
    const type = TYPE_NUMBERS[value.dtype]
    const [copy] = binding.executeOp('Identity', [{ name: 'T', type: 4, value: type }], [ids.get(value)!], 1)
    return backend.createOutputTensor(copy!)
  })
  for (const id of own) binding.deleteTensor(id)
  return results
}

export function nativeAttribute(name: string, attribute: Attribute): NativeAttribute {
  if ('string' in attribute) return { name, type: 0, value: attribute.string }
  if ('int' in attribute) return { name, type: 1, value: attribute.int }
  if ('ints' in attribute) return { name, type: 1, value: attribute.ints }
  if ('float' in attribute) return { name, type: 2, value: attribute.float }
  if ('bool' in attribute) return { name, type: 3, value: attribute.bool }
  if ('type' in attribute) return { name, type: 4, value: attribute.type }
  throw new Error(`${name} is a list of types`)
}
