import * as tf from '@tensorflow/tfjs'

import { BackendError, TraceError } from '../../errors.js'
import { tracing } from '../../backend/tracing.js'
import { asTheyAre } from '../call-order.js'
import type { Argument, Graph, Value } from '../graph.js'
import { type Captured, Captures } from './captures.js'
import { isNativeBackend } from './native-backend.js'
import { nativeHost } from './native-host.js'
import type { HostFactory, RecordingHost } from './recording-host.js'
import { byRunning } from './shape-inference.js'
import { forbidRandom, spoil } from './trace-guards.js'
import { userLine } from './user-line.js'
import { checkOf } from './value-check.js'

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
 * @param host the backend that it is written for; by default the native one, where operations run for their shapes
 * @throws TraceError if it does what can't be recorded, naming the line.
 */
export function record(
  run: (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[],
  inputs: readonly tf.Tensor[],
  host: HostFactory = nativeByRunning(),
): Recording {
  // Of variables it sees shapes alone: it needn't wait for calls that write them.
  return asTheyAre(() => new Recorder(host).record(run, inputs))
}

function nativeByRunning(): HostFactory {
  const { backend } = tf.engine()
  if (isNativeBackend(backend)) return nativeHost(backend, () => byRunning(backend.binding))
  throw new BackendError('Only the native backend records functions', { found: tf.getBackend() })
}

class Recorder {
  readonly #captures = new Captures()
  readonly #host: RecordingHost
  readonly #kept: tf.Tensor[] = []
  readonly #created: Created[] = []
  readonly #checks: Value[] = []

  constructor(host: HostFactory) {
    this.#host = host(this.#captures)
  }

  record(run: (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[], inputs: readonly tf.Tensor[]): Recording {
    const engine = tf.engine()
    const variables = Object.values(engine.registeredVariables)
    for (const variable of variables) {
      this.#host.own(variable)
      this.#captures.own(variable)
    }
    const before = variables.map((variable) => tf.keep(tf.clone(variable)))
    const giveBack = this.#takePlace()
    engine.startScope('jit')
    try {
      const standIns = inputs.map((input, index) => this.#host.argument(input, index))
      const outputs = tracing(
        () => run(standIns.map(({ tensor }) => tensor)),
        (tensor, check) => this.#checks.push(checkOf(this.#host.valueOf(tensor), check)),
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
      this.#host.dispose()
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
      const value = this.#host.valueOf(tensor)
      const known = results.indexOf(value)
      return known >= 0 ? known : results.push(value) - 1
    }
    const returned = outputs.map(resultOf)
    const assigned = variables.flatMap((variable, i) =>
      variable.dataId === before[i]?.dataId ? [] : [{ variable, result: resultOf(variable) }],
    )
    const captures = this.#captures.list()
    return {
      graph: { arguments: nodes, captures: captures.map(({ capture }) => capture), results },
      captures: captures.map(({ captured }) => captured),
      returned,
      assigned,
      created: this.#created.filter(({ variable }) => !variable.isDisposed),
    }
  }

  /** @returns how to undo it. */
  #takePlace(): () => void {
    const undo = [this.#host.takePlace(), this.#watchEngine(), forbidRandom()]
    return () => {
      for (const back of undo) back()
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
      this.#created.push({ variable, initial: this.#host.valueOf(variable) })
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
}

const disposalError = (name: string): TraceError =>
  new TraceError('A variable is disposed inside a function that `jit` records', { found: name, where: userLine() })
