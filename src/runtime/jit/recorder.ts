import * as tf from '@tensorflow/tfjs'

import { BackendError, TraceError } from '../../errors.js'
import { tracing } from '../../layers/tracing.js'
import {
  type Argument,
  type Attribute,
  type Capture,
  type Constant,
  type DataType,
  type Graph,
  operation,
  type Value,
} from './graph.js'
import {
  isNativeBackend,
  type NativeAttribute,
  type NativeBackend,
  type NativeBinding,
  type NativeTensor,
  TYPE_NUMBERS,
} from './native-backend.js'
import { byRunning, type ShapeInference } from './shape-inference.js'
import { userLine } from './user-line.js'

/** Something from outside that a recorded function uses. */
export interface Captured {
  /** The variable, or a tensor that shares the captured one's data without holding it. */
  readonly tensor: tf.Tensor
  /** The user's line that used it first. */
  readonly line: string | undefined
}

/** What a function did. */
export interface Recording {
  readonly graph: Graph
  /** What `graph.captures` stand for. */
  readonly captures: readonly Captured[]
  /** For each tensor that the function returned, which of `graph.results` it is. */
  readonly returned: readonly number[]
  /** What it assigned to variables, and which of `graph.results` that is. */
  readonly assigned: readonly Assigned[]
  /** What it gave to variables that it made, which have no values yet. */
  readonly created: readonly Assigned[]
}

export interface Assigned {
  readonly variable: tf.Variable
  readonly result: number
}

/**
 * Runs a function of tensors once, with tensors that have no values, and writes down what it does. Variables that it assigns
 * are afterwards as they were before.
 *
 * @param inputs of which the function gets stand-ins
 * @throws TraceError if it does what can't be recorded, naming the line.
 */
export function record(
  run: (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[],
  inputs: readonly tf.Tensor[],
): Recording {
  const backend: unknown = tf.engine().backend
  if (!isNativeBackend(backend)) {
    throw new BackendError('Only the native backend records functions', { found: tf.getBackend() })
  }
  return new Recorder(backend).record(run, inputs)
}

const NAMES = new Map<number, DataType>([
  [TYPE_NUMBERS.float32, 'float32'],
  [TYPE_NUMBERS.int32, 'int32'],
  [TYPE_NUMBERS.bool, 'bool'],
])

/** Recorded tensors have negative numbers, the addon's own are from 0; −1 is tfjs-node's for none. Never used again. */
let nextId = -2

/** It stands where tfjs-node's backend calls its addon, for as long as the function runs. */
class Recorder {
  readonly #backend: NativeBackend
  readonly #binding: NativeBinding
  readonly #shapes: ShapeInference
  readonly #values = new Map<number, Value>()
  readonly #handles = new Map<Value, number>()
  readonly #captures = new Map<object, { readonly capture: Capture; readonly captured: Captured }>()
  readonly #variables = new Map<object, tf.Variable>()
  readonly #written = new WeakSet()

  constructor(backend: NativeBackend) {
    this.#backend = backend
    this.#binding = backend.binding
    this.#shapes = byRunning(backend.binding)
  }

  record(run: (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[], inputs: readonly tf.Tensor[]): Recording {
    const engine = tf.engine()
    const before = { ...engine.registeredVariables }
    for (const variable of Object.values(before)) this.#own(variable)
    const kept = Object.values(before).map((variable) => tf.keep(tf.clone(variable)))
    const restore = this.#takePlace()
    engine.startScope('jit')
    try {
      const placeholders = inputs.map((input, index) => this.#argument(input, index))
      const outputs = tracing(() => run(placeholders))
      const results: Value[] = []
      const resultOf = (tensor: tf.Tensor): number => {
        const value = this.#valueOf(tensor)
        const known = results.indexOf(value)
        return known >= 0 ? known : results.push(value) - 1
      }
      const returned = outputs.map(resultOf)
      const assigned = Object.values(before).flatMap((variable, i) =>
        variable.dataId === kept[i]?.dataId ? [] : [{ variable, result: resultOf(variable) }],
      )
      const captures = [...this.#captures.values()]
      return {
        graph: {
          arguments: placeholders.map((placeholder) => asArgument(this.#valueOf(placeholder))),
          captures: captures.map(({ capture }) => capture),
          results,
        },
        captures: captures.map(({ captured }) => captured),
        returned,
        assigned,
        created: [],
      }
    } finally {
      Object.values(before).forEach((variable, i) => {
        const old = kept[i]
        if (old && variable.dataId !== old.dataId) variable.assign(old)
      })
      engine.endScope()
      restore()
      tf.dispose(kept)
      this.#shapes.dispose()
    }
  }

  /** A variable's data are its own, so that data say which variable is meant. */
  #own(variable: tf.Variable): void {
    this.#upload(variable.dataId)
    if (this.#backend.refCount(variable.dataId) > 1) {
      tf.tidy(() => {
        const info = this.#backend.tensorMap.get(variable.dataId)
        const type = { name: 'T', type: 4, value: info.dtype }
        const [copy] = this.#binding.executeOp('Identity', [type], [info.id], 1)
        if (copy) variable.assign(this.#backend.createOutputTensor(copy))
      })
    }
    this.#variables.set(variable.dataId, variable)
  }

  #upload(dataId: object): void {
    const info = this.#backend.tensorMap.get(dataId)
    if (info.values === null) return
    info.id = this.#binding.createTensor(info.shape, info.dtype, info.values)
    info.values = null
  }

  #takePlace(): () => void {
    const backend = this.#backend
    const binding = this.#binding
    const write = backend.write.bind(backend)
    const random = Math.random
    const place: Partial<NativeBinding> = {
      executeOp: (op, attributes, inputs, outputs) => this.#operation(op, attributes, inputs, outputs),
      createTensor: (shape, dtype, values) => this.#constant(shape, dtype, values),
      tensorDataSync: () => {
        throw new TraceError('The values of a tensor are read inside a function that `jit` records', {
          where: userLine(),
          hint: 'There are none yet: return the tensor and read it outside.',
        })
      },
    }
    const descriptors = Object.entries(place).map(([name, value]) => [name, { value }] as const)
    backend.binding = Object.create(binding, Object.fromEntries(descriptors)) as NativeBinding
    backend.getInputTensorIds = (tensors) => tensors.map((tensor) => this.#idOf(tensor))
    backend.write = (values, shape, dtype) => {
      const dataId = write(values, shape, dtype)
      this.#written.add(dataId)
      return dataId
    }
    const gather = tf.getKernel(tf.GatherV2, 'tensorflow')
    tf.unregisterKernel(tf.GatherV2, 'tensorflow')
    tf.registerKernel({
      ...gather,
      // It looks at the indices to check them; the engine does so when they are known.
      kernelFunc: (call) =>
        gather.kernelFunc({ ...call, backend: Object.create(backend, { readSync: { value: () => [] } }) as object }),
    })
    Math.random = () => {
      throw new TraceError('A random number is drawn inside a function that `jit` records', {
        where: userLine(),
        hint: 'It would be the same at every call: pass it in as a tensor.',
      })
    }
    return () => {
      Math.random = random
      tf.unregisterKernel(tf.GatherV2, 'tensorflow')
      tf.registerKernel(gather)
      backend.binding = binding
      Reflect.deleteProperty(backend, 'getInputTensorIds')
      Reflect.deleteProperty(backend, 'write')
    }
  }

  #idOf({ dataId }: tf.TensorInfo): number {
    const info = this.#backend.tensorMap.get(dataId)
    if (info.values !== null) {
      if (this.#written.has(dataId)) {
        info.id = this.#constant(info.shape, info.dtype, info.values)
        info.values = null
      } else {
        this.#upload(dataId)
      }
    }
    if (info.id >= 0) this.#capture(dataId)
    return info.id
  }

  #valueOf(tensor: tf.Tensor): Value {
    return this.#value(this.#idOf(tensor))
  }

  #value(id: number): Value {
    const value = this.#values.get(id)
    if (value) return value
    throw new TraceError('A tensor made while one function was recorded is used in another', { where: userLine() })
  }

  #handle(value: Value): number {
    return this.#handles.get(value) ?? 0
  }

  #argument(tensor: tf.Tensor, index: number): tf.Tensor {
    this.#upload(tensor.dataId)
    const { shape, dtype, id } = this.#backend.tensorMap.get(tensor.dataId)
    const outputs: Value[] = []
    const node: Argument = { kind: 'argument', index, outputs }
    const value: Value = { node, output: 0, shape: tensor.shape, dtype: dataType(dtype) }
    outputs.push(value)
    this.#handles.set(value, this.#shapes.input(dtype, shape, id))
    return this.#backend.createOutputTensor({ id: this.#add(value), shape: [...tensor.shape], dtype })
  }

  #capture(dataId: object): void {
    if (this.#captures.has(dataId)) return
    const { shape, dtype, id } = this.#backend.tensorMap.get(dataId)
    const variable = this.#variables.get(dataId)
    const type = dataType(dtype)
    const outputs: Value[] = []
    const index = this.#captures.size
    const capture: Capture = { kind: 'capture', index, outputs, ...(variable ? { name: variable.name } : {}) }
    const value: Value = { node: capture, output: 0, shape, dtype: type }
    outputs.push(value)
    this.#handles.set(value, this.#shapes.input(dtype, shape, id))
    this.#values.set(id, value)
    const tensor = variable ?? new tf.Tensor(shape, type, dataId, -1)
    this.#captures.set(dataId, { capture, captured: { tensor, line: userLine() } })
  }

  #constant(shape: readonly number[], dtype: number, values: unknown): number {
    if (!isNumbers(values)) throw new TraceError('`jit` records tensors of numbers only', { where: userLine() })
    const copy = values.slice()
    const outputs: Value[] = []
    const node: Constant = { kind: 'constant', values: copy, outputs }
    const value: Value = { node, output: 0, shape: [...shape], dtype: dataType(dtype) }
    outputs.push(value)
    this.#handles.set(value, this.#shapes.constant(dtype, shape, copy))
    return this.#add(value)
  }

  #operation(
    op: string,
    attributes: readonly NativeAttribute[],
    inputs: readonly number[],
    count: number,
  ): NativeTensor[] {
    const values = inputs.map((id) => this.#value(id))
    const handles = values.map((value) => this.#handle(value))
    const results = this.#shapes.operation(op, attributes, handles, count)
    const shapes = results.map(({ shape, dtype }) => ({ shape, dtype: dataType(dtype) }))
    const named = Object.fromEntries(attributes.map((attribute) => [attribute.name, asAttribute(attribute)]))
    const node = operation(op, values, shapes, named, userLine())
    return results.map(({ shape, dtype, id }, i) => {
      const value = node.outputs[i]
      if (!value) throw new TraceError('An operation has fewer results than asked for', { where: op })
      this.#handles.set(value, id)
      return { id: this.#add(value), shape: [...shape], dtype }
    })
  }

  #add(value: Value): number {
    this.#values.set(nextId, value)
    return nextId--
  }
}

function asArgument({ node }: Value): Argument {
  if (node.kind === 'argument') return node
  throw new TraceError('An argument was changed while the function was recorded')
}

function dataType(number: number): DataType {
  const name = NAMES.get(number)
  if (name) return name
  throw new TraceError('`jit` records tensors of numbers only', {
    expected: 'float32, int32 or bool',
    found: `TensorFlow's type ${number}`,
    where: userLine(),
  })
}

/** TensorFlow's numbers of the kinds of attributes. */
const KINDS = { string: 0, int: 1, float: 2, bool: 3, type: 4 } as const

function asAttribute({ name, type, value }: NativeAttribute): Attribute {
  if (type === KINDS.string && typeof value === 'string') return { string: value }
  if (type === KINDS.bool && typeof value === 'boolean') return { bool: value }
  if (Array.isArray(value)) {
    if (type === KINDS.int && value.every(isNumber)) return { ints: value }
  } else if (isNumber(value)) {
    if (type === KINDS.int) return { int: value }
    if (type === KINDS.float) return { float: value }
    if (type === KINDS.type) return { type: value }
  }
  throw new TraceError('An operation has an attribute of a kind that `jit` does not know', {
    where: `${name}, ${userLine()}`,
  })
}

const isNumber = (value: unknown): value is number => typeof value === 'number'

function isNumbers(values: unknown): values is Float32Array | Int32Array | Uint8Array {
  return ['Float32Array', 'Int32Array', 'Uint8Array'].includes(Object.prototype.toString.call(values).slice(8, -1))
}
