import type * as tf from '@tensorflow/tfjs'

import { arrayTypes, isNumeric, type KernelCall } from '../../backend/engine/engine-backend.js'
import { BackendError, TraceError } from '../../errors.js'
import { sizeOf } from '../graph-builder.js'
import type { Attributes, Constant, DataType, Value } from '../graph.js'
import { attributesOf, attributesText } from './call-text.js'
import { type PlainTensor, runOnCpu, withValues } from './cpu-kernel.js'
import type { NodeWriter, Result } from './node-writer.js'

/** What the name of an operation begins with that stands for a kernel of tfjs's `cpu` backend. */
const PREFIX = 'Kernel:'

/** Stands for names of inputs that have none. */
const LIST = 'list'

/** A kernel's results, and whether it returns them as a list. */
export interface CpuResults {
  readonly results: readonly Result[]
  readonly isList: boolean
}

/** Writes a kernel that tfjs's `cpu` backend runs, as a step between those of the engine. */
export function cpuNode(
  writer: NodeWriter,
  { kernelName, inputs: given, attrs }: KernelCall,
  inputs: Readonly<Record<string, Value>>,
  { results, isList }: CpuResults,
): Value | readonly Value[] {
  const attributes = {
    inputs: { string: JSON.stringify(Array.isArray(given) ? LIST : Object.keys(inputs)) },
    attributes: { string: attributesText(attrs) },
  }
  const made = writer.operations(`${PREFIX}${kernelName}`, Object.values(inputs), results, attributes)
  const [only] = made
  return isList || !only ? made : only
}

/** What a kernel gives, seen by running it on zeros. @throws TraceError for tensors of anything but numbers */
export function resultsOnCpu({ kernelName, inputs, attrs }: KernelCall): CpuResults {
  const found = runOnCpu(
    kernelName,
    withValues(inputs, (info) => info && zerosOf(info)),
    attrs,
  )
  const isList = !('dtype' in found)
  const results = (isList ? found : [found]).map(({ shape, dtype }) => {
    if (isNumeric(dtype)) return { shape, dtype }
    throw new TraceError('`jit` records tensors of numbers only', { found: `${kernelName} gives ${dtype}` })
  })
  return { results, isList }
}

function zerosOf({ shape, dtype }: tf.TensorInfo): PlainTensor {
  if (!isNumeric(dtype)) throw new TraceError('`jit` records tensors of numbers only', { found: dtype })
  return { values: new arrayTypes[dtype](sizeOf(shape)), shape, dtype }
}

/** An operand of {@link runCpuNode}. */
export interface Operand {
  readonly values: Constant['values']
  readonly shape: readonly number[]
  readonly dtype: DataType
}

/**
 * Runs what {@link cpuNode} has written.
 *
 * @throws BackendError for another operation: the engine does not know it, and without TensorFlow nothing does
 */
export function runCpuNode(op: string, attributes: Attributes, operands: readonly Operand[]): readonly PlainTensor[] {
  const { inputs, attributes: attrs } = attributes
  if (!op.startsWith(PREFIX) || !inputs || !attrs || !('string' in inputs) || !('string' in attrs)) {
    throw new BackendError('The engine does not know an operation', { found: op })
  }
  const names = JSON.parse(inputs.string) as readonly string[] | typeof LIST
  const given = names === LIST ? operands : Object.fromEntries(operands.map((operand, i) => [names[i] ?? '', operand]))
  const results = runOnCpu(op.slice(PREFIX.length), given, attributesOf(attrs.string))
  return 'dtype' in results ? [results] : results
}
