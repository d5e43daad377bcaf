import type * as tf from '@tensorflow/tfjs'

import { isNumeric } from '../../backend/engine/engine-backend.js'
import { GraphBuilder, rewrite } from '../graph-builder.js'
import { type Argument, type Graph, nodesOf, type Value } from '../graph.js'
import { canonical } from '../rewrites/canonical.js'
import { KernelInputs } from './graph-kernel.js'
import { NodeWriter, type Result } from './node-writer.js'
import { graphKernels } from './table.js'

/** A kernel by itself as a graph, its inputs being the graph's arguments. */
export interface SingleKernel {
  readonly graph: Graph
  readonly results: readonly Result[]
  /** Whether the kernel returns a list, be it of one. */
  readonly isList: boolean
}

/** The graph of one kernel; `undefined` if the engine does not compute it for inputs of these types and shapes. */
export function singleKernel(
  kernelName: string,
  inputs: tf.NamedTensorInfoMap,
  attrs: tf.NamedAttrMap,
): SingleKernel | undefined {
  const kernel = graphKernels[kernelName]
  if (!kernel) return undefined
  const named: Record<string, Value> = {}
  const nodes: Argument[] = []
  for (const [name, info] of Object.entries(inputs)) {
    if (!info) continue
    if (!isNumeric(info.dtype)) return undefined
    const outputs: Value[] = []
    const node: Argument = { kind: 'argument', index: nodes.length, outputs }
    const value: Value = { node, output: 0, shape: [...info.shape], dtype: info.dtype }
    outputs.push(value)
    nodes.push(node)
    named[name] = value
  }
  const made = kernel(new NodeWriter(), new KernelInputs(named), attrs)
  if (made === undefined) return undefined
  const results = isValue(made) ? [made] : made
  const graph: Graph = { arguments: nodes, captures: [], results }
  return isEngines(graph) ? { graph, results, isList: !isValue(made) } : undefined
}

/** Whether lowering knows all operations of a graph, so that none is TensorFlow's. */
function isEngines(graph: Graph): boolean {
  const builder = new GraphBuilder()
  const { results } = rewrite(graph, builder, canonical(builder))
  return nodesOf(results).every((node) => node.kind !== 'operation' || /^[a-z]/.test(node.op))
}

export const isValue = (made: Value | readonly Value[]): made is Value => 'node' in made
