import * as tf from '@tensorflow/tfjs'

import { BackendError, TraceError } from '../../errors.js'
import { tracing } from '../../backend/tracing.js'
import { asTheyAre } from '../call-order.js'
import type { Argument, Capture, Graph, Value } from '../graph.js'
import { GraphWriter } from './graph-writer.js'
import { isBeingWritten, isNativeBackend, type NativeBackend, type NativeBinding } from './native-backend.js'
import { dataType } from './recorded-types.js'
import { byRunning, type ShapeInference } from './shape-inference.js'
import { forbidRandom, skipCheckOfGather, spoil } from './trace-guards.js'
import { userLine } from './user-line.js'

/** Something from outside that a recorded function uses. */
export interface Captured {
  /** The variable, or a tensor that shares the captured one's data without holding it. */
  readonly tensor: tf.Tensor
  /** The user's line that used it first, for what has no name. */
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
  readonly created: readonly Created[]
}

/** A variable that the function assigned. */
export interface Assigned {
  readonly variable: tf.Variable
  readonly result: number
}

/** A variable that the function made; it has no values yet. */
export interface Created {
  readonly variable: tf.Variable
  /** What it starts from. */
  readonly initial: Value
}

/**
 * Runs a function of tensors once, with tensors that have no values, and writes down what it does. Variables that it assigns
 * are afterwards as they were before; tensors that it has made are gone.
 *
 * @param inputs of which the function gets stand-ins
 * @param shapes where the shapes come from; by default, operations run for it
 * @throws TraceError if it does what can't be recorded, naming the line.
 */
export function record(
  run: (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[],
  inputs: readonly tf.Tensor[],
  shapes?: ShapeInference,
): Recording {
  const { backend } = tf.engine()
  if (!isNativeBackend(backend)) {
    throw new BackendError('Only the native backend records functions', { found: tf.getBackend() })
  }
  const recorder = new Recorder(backend, shapes ?? byRunning(backend.binding))
  // Of variables it sees shapes alone: it needn't wait for calls that write them.
  return asTheyAre(() => recorder.record(run, inputs))
}

/** It stands where tfjs-node's backend calls its addon, for as long as the function runs. */
class Recorder {
  readonly #backend: NativeBackend
  readonly #binding: NativeBinding
  readonly #shapes: ShapeInference
  readonly #graph: GraphWriter
  readonly #captures = new Map<object, { readonly capture: Capture; readonly captured: Captured }>()
  readonly #variables = new Map<object, tf.Variable>()
  readonly #written = new WeakSet()

  readonly #kept: tf.Tensor[] = []
  readonly #created: Created[] = []
  readonly #checks: Value[] = []

  constructor(backend: NativeBackend, shapes: ShapeInference) {
    this.#backend = backend
    this.#binding = backend.binding
    this.#shapes = shapes
    this.#graph = new GraphWriter(shapes)
  }

  record(run: (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[], inputs: readonly tf.Tensor[]): Recording {
    const engine = tf.engine()
    const variables = Object.values(engine.registeredVariables)
    for (const variable of variables) this.#own(variable)
    const before = variables.map((variable) => tf.keep(tf.clone(variable)))
    const giveBack = this.#takePlace()
    engine.startScope('jit')
    try {
      const standIns = inputs.map((input, index) => this.#argument(input, index))
      const outputs = tracing(
        () => run(standIns.map(({ tensor }) => tensor)),
        (tensor, check) => this.#checks.push(this.#graph.check(this.#idOf(tensor), check)),
      )
      const nodes = standIns.map(({ node }) => node)
      return this.#recording(nodes, outputs, variables, before)
    } catch (error) {
      for (const { variable } of this.#created) if (!variable.isDisposed) variable.dispose()
      throw error
    } finally {
      variables.forEach((variable, i) => {
        const old = before[i]
        if (old && variable.dataId !== old.dataId) variable.assign(old)
      })
      const left = [...this.#kept, ...engine.state.activeScope.track].filter(({ isDisposed }) => !isDisposed)
      engine.endScope()
      giveBack()
      tf.dispose(before)
      left.forEach(spoil)
      this.#shapes.dispose()
    }
  }

  #recording(
    nodes: readonly Argument[],
    outputs: readonly tf.Tensor[],
    variables: readonly tf.Variable[],
    before: readonly tf.Tensor[],
  ): Recording {
    const results: Value[] = [...this.#checks] // first, so that no step meets what they would find
    const resultOf = (tensor: tf.Tensor): number => {
      const value = this.#valueOf(tensor)
      const known = results.indexOf(value)
      return known >= 0 ? known : results.push(value) - 1
    }
    const returned = outputs.map(resultOf)
    const assigned = variables.flatMap((variable, i) =>
      variable.dataId === before[i]?.dataId ? [] : [{ variable, result: resultOf(variable) }],
    )
    const captures = [...this.#captures.values()]
    return {
      graph: { arguments: nodes, captures: captures.map(({ capture }) => capture), results },
      captures: captures.map(({ captured }) => captured),
      returned,
      assigned,
      created: this.#created.filter(({ variable }) => !variable.isDisposed),
    }
  }

  /** A variable's data are its own, so that data say which variable is meant. */
  #own(variable: tf.Variable): void {
    if (this.#backend.refCount(variable.dataId) > 1) {
      this.#upload(variable.dataId)
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

  /** @returns how to undo it. */
  #takePlace(): () => void {
    const undo = [this.#standForBinding(), this.#watchEngine(), forbidRandom(), skipCheckOfGather(this.#backend)]
    return () => {
      for (const back of undo) back()
    }
  }

  #standForBinding(): () => void {
    const backend = this.#backend
    const binding = this.#binding
    const place: NativeBinding = {
      executeOp: (op, attributes, inputs, outputs) => this.#graph.operation(op, attributes, inputs, outputs),
      createTensor: (shape, dtype, values) => this.#graph.constant(shape, dtype, values),
      deleteTensor: (id) => {
        binding.deleteTensor(id)
      },
      tensorDataSync: () => {
        throw new TraceError('The values of a tensor are read inside a function that `jit` records', {
          where: userLine(),
          hint: 'There are none yet: return the tensor and read it outside.',
        })
      },
    }
    const properties = Object.entries(place).map(([name, value]: [string, unknown]) => [name, { value }] as const)
    backend.binding = standIn(binding, Object.fromEntries(properties)) // the addon's own properties are read-only
    const write = backend.write.bind(backend)
    backend.write = (values, shape, dtype) => {
      const dataId = write(values, shape, dtype)
      this.#written.add(dataId)
      return dataId
    }
    backend.getInputTensorIds = (tensors) => tensors.map((tensor) => this.#idOf(tensor))
    return () => {
      backend.binding = binding
      Reflect.deleteProperty(backend, 'write')
      Reflect.deleteProperty(backend, 'getInputTensorIds')
    }
  }

  /** Keeps in mind the variables that are made, and the tensors that shall outlive the function. */
  #watchEngine(): () => void {
    const engine = tf.engine()
    const makeVariable = engine.makeVariable.bind(engine)
    const keep = engine.keep.bind(engine)
    const disposeVariable = engine.disposeVariable.bind(engine)
    engine.makeVariable = (...of) => {
      const variable = makeVariable(...of)
      this.#created.push({ variable, initial: this.#valueOf(variable) })
      return variable
    }
    engine.keep = (tensor) => {
      this.#kept.push(tensor)
      return keep(tensor)
    }
    engine.disposeVariable = (variable) => {
      if (!this.#created.some((created) => created.variable === variable)) throw disposalError(variable.name)
      disposeVariable(variable)
    }
    return () => {
      Reflect.deleteProperty(engine, 'disposeVariable')
      Reflect.deleteProperty(engine, 'makeVariable')
      Reflect.deleteProperty(engine, 'keep')
    }
  }

  #idOf({ dataId }: tf.TensorInfo): number {
    const info = this.#backend.tensorMap.get(dataId)
    if (info.values !== null) {
      if (this.#written.has(dataId)) {
        info.id = this.#graph.constant(info.shape, info.dtype, info.values)
        info.values = null
      } else {
        this.#upload(dataId)
      }
    }
    if (info.id >= 0 || isBeingWritten(info.id)) this.#capture(dataId)
    return info.id
  }

  #valueOf(tensor: tf.Tensor): Value {
    return this.#graph.value(this.#idOf(tensor))
  }

  #argument(tensor: tf.Tensor, index: number): { readonly node: Argument; readonly tensor: tf.Tensor } {
    this.#upload(tensor.dataId)
    const { dtype, id } = this.#backend.tensorMap.get(tensor.dataId)
    const { shape } = tensor
    const argument = this.#graph.argument(index, { id, dtype, shape })
    return { node: argument.node, tensor: this.#backend.createOutputTensor({ id: argument.id, dtype, shape }) }
  }

  #capture(dataId: object): void {
    if (this.#captures.has(dataId)) return
    const info = this.#backend.tensorMap.get(dataId)
    const variable = this.#variables.get(dataId)
    const capture = this.#graph.capture(this.#captures.size, variable?.name, info)
    const tensor = variable ?? new tf.Tensor(info.shape, dataType(info.dtype), dataId, -1)
    this.#captures.set(dataId, { capture, captured: { tensor, line: variable ? undefined : userLine() } })
  }
}

const disposalError = (name: string): TraceError =>
  new TraceError('A variable is disposed inside a function that `jit` records', { found: name, where: userLine() })

function standIn(binding: NativeBinding, properties: PropertyDescriptorMap): NativeBinding {
  return Object.create(binding, properties) as NativeBinding
}
