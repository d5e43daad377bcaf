import * as tf from '@tensorflow/tfjs'

import { type EngineBackend, isNumeric, type KernelCall } from '../../backend/engine/engine-backend.js'
import { SiglipError, TraceError } from '../../errors.js'
import type { Argument, Constant, Value } from '../graph.js'
import { isRepeated } from '../is-repeated.js'
import { callKey } from '../kernels/call-text.js'
import { cpuNode, resultsOnCpu } from '../kernels/cpu-node.js'
import { KernelInputs } from '../kernels/graph-kernel.js'
import { reshape } from '../kernels/layout.js'
import { NodeWriter, type Result, typed, typeOf } from '../kernels/node-writer.js'
import { isValue, singleKernel } from '../kernels/single-kernel.js'
import { graphKernels } from '../kernels/table.js'
import type { Captures } from './captures.js'
import type { HostFactory, RecordingHost } from './recording-host.js'
import { dataDependentError, randomError, valuesReadError } from './trace-guards.js'
import { userLine } from './user-line.js'

/** Recordings on the engine's backend. */
export const engineHost =
  (backend: EngineBackend): HostFactory =>
  (captures) =>
    new EngineHost(backend, captures)

/** It stands where the backend runs kernels. */
class EngineHost implements RecordingHost {
  readonly #backend: EngineBackend
  readonly #captures: Captures
  readonly #writer = new NodeWriter(userLine)
  /** The graph's values that stand for tensors. */
  readonly #values = new Set<object>()
  readonly #constants = new WeakMap<object, Value>()
  /** By what a kernel is called with: whether the engine knows it, or else what it gives. */
  readonly #known = new Map<string, 'engine' | { readonly results: readonly Result[]; readonly isList: boolean }>()

  constructor(backend: EngineBackend, captures: Captures) {
    this.#backend = backend
    this.#captures = captures
  }

  own(variable: tf.Variable): void {
    const { dataId, shape, dtype } = variable
    if (this.#backend.refCount(dataId) <= 1) return
    tf.tidy(() => {
      variable.assign(tf.tensor(this.#backend.readSync(dataId), shape, dtype))
    })
  }

  takePlace(): () => void {
    this.#backend.interceptor = {
      kernel: (call) => this.#kernel(call),
      read: () => {
        throw valuesReadError()
      },
    }
    return () => {
      this.#backend.interceptor = undefined
    }
  }

  argument({ shape, dtype }: tf.Tensor, index: number): { readonly node: Argument; readonly tensor: tf.Tensor } {
    const outputs: Value[] = []
    const node: Argument = { kind: 'argument', index, outputs }
    if (!isNumeric(dtype)) throw notNumbers(dtype)
    const value: Value = { node, output: 0, shape: [...shape], dtype }
    outputs.push(value)
    return { node, tensor: tf.engine().makeTensorFromTensorInfo(this.#standIn(value), this.#backend) }
  }

  valueOf({ dataId, shape, dtype }: tf.TensorInfo): Value {
    if (!isNumeric(dtype)) throw notNumbers(dtype)
    const { symbol, values } = this.#backend.tensors.get(dataId)
    const value = symbol
      ? this.#recorded(symbol)
      : values === undefined
        ? this.#captures.valueOf(dataId, shape, dtype)
        : this.#constant(dataId, values, shape, dtype)
    // Data may be seen under several shapes.
    return value.shape.join() === shape.join() ? value : reshape(this.#writer, value, shape)
  }

  dispose(): void {
    this.#known.clear()
  }

  #standIn(value: Value): tf.TensorInfo {
    this.#values.add(value)
    return this.#backend.standIn(value, value.shape, value.dtype)
  }

  #recorded(symbol: object): Value {
    if (this.#values.has(symbol)) return symbol as Value
    throw new TraceError('A tensor made while one function was recorded is used in another', { where: userLine() })
  }

  #constant(dataId: object, values: tf.BackendValues, shape: readonly number[], dtype: Value['dtype']): Value {
    const known = this.#constants.get(dataId)
    if (known) return known
    if (Array.isArray(values)) throw notNumbers('string')
    const made = this.#constantOf(values, shape, dtype)
    this.#constants.set(dataId, made)
    return made
  }

  /** One number everywhere, as the ones and zeros of gradients, is no array. */
  #constantOf(values: Constant['values'], shape: readonly number[], dtype: Value['dtype']): Value {
    const [first] = values
    if (first === undefined || values.length < LARGE || !isRepeated(values)) {
      return this.#writer.constant(values, shape, dtype)
    }
    const value = this.#writer.scalar(first, dtype)
    const attributes = { ...typed(value), index_type: typeOf('int32') }
    return this.#writer.operation('Fill', [this.#writer.ints(shape), value], { shape, dtype }, attributes)
  }

  #kernel(call: KernelCall): tf.TensorInfo | tf.TensorInfo[] {
    const { kernelName, inputs } = call
    if (RANDOM.has(kernelName)) throw randomError()
    if (DATA_DEPENDENT.has(kernelName)) throw dataDependentError(kernelName)
    const x = inputs['x']
    if (kernelName === 'Identity' && x) return this.#backend.shared(x.dataId, x.shape, x.dtype)
    const values = Object.fromEntries(
      Object.entries(inputs).flatMap(([name, info]) => (info ? [[name, this.valueOf(info)] as const] : [])),
    )
    const made = this.#written(call, values)
    return isValue(made) ? this.#standIn(made) : made.map((value) => this.#standIn(value))
  }

  #written(call: KernelCall, values: Readonly<Record<string, Value>>): Value | readonly Value[] {
    try {
      const known = this.#knownOf(call)
      if (known !== 'engine') return cpuNode(this.#writer, call, values, known)
      const made = graphKernels[call.kernelName]?.(this.#writer, new KernelInputs(values), call.attrs)
      if (made) return made
    } catch (cause) {
      if (cause instanceof SiglipError) throw cause
      throw new TraceError(cause instanceof Error ? cause.message : String(cause), { where: userLine(), cause })
    }
    throw new TraceError('An operation cannot be recorded', { found: call.kernelName, where: userLine() })
  }

  #knownOf(call: KernelCall): 'engine' | { readonly results: readonly Result[]; readonly isList: boolean } {
    const { kernelName, inputs, attrs } = call
    const key = callKey(kernelName, inputs, attrs)
    const known = this.#known.get(key) ?? (singleKernel(kernelName, inputs, attrs) ? 'engine' : resultsOnCpu(call))
    this.#known.set(key, known)
    return known
  }
}

/** Elements from which on an array is worth looking through. */
const LARGE = 1024

const RANDOM: ReadonlySet<string> = new Set(['Multinomial'])

/** What they return has as many elements as the values say. */
const DATA_DEPENDENT: ReadonlySet<string> = new Set([
  ...['Unique', 'NonMaxSuppressionV3', 'NonMaxSuppressionV4', 'NonMaxSuppressionV5', 'BroadcastArgs'],
  ...['SparseFillEmptyRows', 'SparseReshape', 'SparseSegmentMean', 'SparseSegmentSum'],
  ...['RaggedGather', 'RaggedRange', 'RaggedTensorToTensor', 'StringNGrams', 'StringSplit'],
])

const notNumbers = (found: string): TraceError =>
  new TraceError('`jit` records tensors of numbers only', {
    expected: 'float32, int32 or bool',
    found,
    where: userLine(),
  })
