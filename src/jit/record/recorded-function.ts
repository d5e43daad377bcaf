import * as tf from '@tensorflow/tfjs'

import { TraceError } from '../../errors.js'
import { inOrder } from '../call-order.js'
import { type Graph, NO_VARIABLES, type Variables } from '../graph.js'
import { nameOf } from '../name-of.js'
import type { Captured } from './captures.js'
import { record, type Recording } from './recorder.js'
import type { HostFactory } from './recording-host.js'
import { type Returned, type TakenApart, takeResultApart } from '../tensor-tree.js'
import { UsedAsVariable, watchUseAsVariable } from './trace-guards.js'
import { userLine } from './user-line.js'

/** A graph made ready to run. */
export interface Executable {
  /** @returns the graph's results, the caller's to dispose. */
  readonly run: (args: readonly tf.Tensor[], captures: readonly tf.Tensor[]) => tf.Tensor[]
  /** The same, off JavaScript's thread. `inPlace`: whether what replaces a capture may be written in its memory. */
  readonly start: (
    args: readonly tf.Tensor[],
    captures: readonly tf.Tensor[],
    options: { readonly inPlace: boolean },
  ) => Running
  readonly dispose: () => void
}

/** A run off JavaScript's thread. */
export interface Running {
  /** Settles at the run's end, however it ends. */
  readonly ended: Promise<void>
  /** Waits for the end; to be called once. Throws as the run did. */
  readonly finish: () => tf.Tensor[]
}

/** What makes recorded functions run. */
export interface GraphEngine {
  /** What recordings take of the backend. */
  readonly host: HostFactory
  readonly compile: (graph: Graph, variables: Variables) => Executable
}

/** What a function did with arguments of certain shapes, and the means to do it again. */
export class RecordedFunction {
  readonly #recording: Omit<Recording, 'graph'>
  readonly #returned: Returned
  readonly #executable: Executable
  readonly #reads: ReadonlySet<tf.Variable>
  readonly #writes: ReadonlySet<tf.Variable>
  #holders = 0
  #disposed = false

  /** @throws TraceError if the function does what can't be recorded. */
  constructor(fn: (...args: unknown[]) => unknown, args: TakenApart, engine: GraphEngine) {
    const { recording, returned } = recordUntilSettled(fn, args, engine)
    const { graph, ...rest } = recording
    this.#recording = rest
    this.#returned = returned
    this.#reads = new Set(rest.captures.flatMap(({ tensor }) => (tensor instanceof tf.Variable ? [tensor] : [])))
    this.#writes = new Set(rest.assigned.map(({ variable }) => variable))
    this.#executable = engine.compile(graph, variablesOf(recording))
  }

  /** Whether it gives one of these new values. */
  assigns(variables: readonly tf.Variable[]): boolean {
    return variables.some((variable) => this.#writes.has(variable))
  }

  run(tensors: readonly tf.Tensor[]): unknown {
    return this.#handOut(this.#executable.run(tensors, this.#captures()))
  }

  /** The same off JavaScript's thread, in its place among the calls that share variables with it. */
  async runAsync(tensors: readonly tf.Tensor[], options: { readonly inPlace: boolean }): Promise<unknown> {
    const release = this.hold()
    const reads = new Set([...this.#reads, ...tensors.filter((tensor) => tensor instanceof tf.Variable)])
    const own: tf.Tensor[] = []
    let given = tensors
    try {
      return await inOrder({
        reads,
        writes: this.#writes,
        hold: () => {
          given = tensors.map((tensor) => {
            if (tensor instanceof tf.Variable) return tensor
            const held = tf.keep(tf.clone(tensor))
            own.push(held)
            return held
          })
        },
        start: () => {
          const { ended, finish } = this.#executable.start(given, this.#captures(), options)
          return { ended, finish: () => this.#handOut(finish(), tf.keep) }
        },
      })
    } finally {
      tf.dispose(own)
      release()
    }
  }

  /** Puts disposal off until what is returned is called. */
  hold(): () => void {
    this.#holders++
    return () => {
      this.#holders--
      this.#freeIfDone()
    }
  }

  /** While it runs, that is done at the end of the run. */
  dispose(): void {
    this.#disposed = true
    this.#freeIfDone()
  }

  #freeIfDone(): void {
    if (this.#disposed && this.#holders === 0) this.#executable.dispose()
  }

  #captures(): tf.Tensor[] {
    for (const { variable } of this.#recording.assigned) {
      if (variable.isDisposed) throw disposedError(variable, undefined)
    }
    return this.#recording.captures.map((captured) => {
      if (isAlive(captured)) return captured.tensor
      throw disposedError(captured.tensor, captured.line)
    })
  }

  /** @param keep what is done with tensors that are returned: while another call waits, scopes are open that they don't belong to */
  #handOut(results: readonly tf.Tensor[], keep = (tensor: tf.Tensor): tf.Tensor => tensor): unknown {
    const out = new Set<tf.Tensor>()
    const outputs = this.#recording.returned.map((index) => {
      const result = resultAt(results, index)
      if (out.has(result)) return keep(tf.clone(result))
      out.add(result)
      return keep(result)
    })
    for (const { variable, result } of this.#recording.assigned) variable.assign(resultAt(results, result))
    for (const result of results) if (!out.has(result)) result.dispose()
    return this.#returned.with(outputs)
  }
}

const disposedError = (tensor: tf.Tensor, where: string | undefined): TraceError =>
  new TraceError('A tensor that a recorded function uses is disposed', {
    found: nameOf(tensor),
    where,
    hint: 'Pass it in as an argument, or keep it as long as the function.',
  })

/** Variables that the function makes get their values after a first recording; a second one finds them made. */
function recordUntilSettled(
  fn: (...args: unknown[]) => unknown,
  args: TakenApart,
  engine: GraphEngine,
): { readonly recording: Recording; readonly returned: Returned } {
  const first = recordOnce(fn, args, engine)
  if (first.recording.created.length === 0) return first
  initialize(first.recording, args, engine)
  const second = recordOnce(fn, args, engine)
  const [again] = second.recording.created
  if (!again) return second
  for (const { variable } of second.recording.created) variable.dispose()
  throw new TraceError('A function that `jit` records makes a variable at each call', {
    found: again.variable.name,
    hint: 'Make it outside.',
  })
}

function recordOnce(
  fn: (...args: unknown[]) => unknown,
  args: TakenApart,
  engine: GraphEngine,
): { readonly recording: Recording; readonly returned: Returned } {
  let returned: Returned | undefined
  let asVariable = false
  const run = (tensors: readonly tf.Tensor[]): readonly tf.Tensor[] => {
    tensors.forEach((tensor, i) => {
      if (!(args.tensors[i] instanceof tf.Variable)) return
      watchUseAsVariable(tensor, () => {
        asVariable = true
      })
    })
    // eslint-disable-next-line siglip/no-spread-arguments -- they are the arguments of a call
    const result = fn(...args.with(tensors))
    if (result instanceof Promise) {
      result.catch(() => undefined) // it fails at the first tensor that it uses from now on
      throw notRecorded('an asynchronous function', undefined)
    }
    returned = takeResultApart(result, (found, path) => {
      throw notRecorded(found, path)
    })
    return returned.tensors
  }
  const recording = recordOr(() => asVariable, run, args, engine)
  if (!returned) throw new TraceError('The function was not run')
  return { recording, returned }
}

/** Whatever the function has made of the first error. */
function recordOr(
  isUsedAsVariable: () => boolean,
  run: (tensors: readonly tf.Tensor[]) => readonly tf.Tensor[],
  args: TakenApart,
  engine: GraphEngine,
): Recording {
  try {
    return record(
      (tensors) => {
        const results = run(tensors)
        if (isUsedAsVariable()) throw new UsedAsVariable()
        return results
      },
      args.tensors,
      engine.host,
    )
  } catch (error) {
    throw isUsedAsVariable() ? new UsedAsVariable() : error
  }
}

function notRecorded(found: string, where: string | undefined): TraceError {
  return new TraceError('`jit` takes functions that return tensors, or arrays and objects of them', {
    found,
    where: where ?? userLine(),
    hint: 'Anything else would be the same at every call.',
  })
}

function initialize({ graph, captures, created }: Recording, args: TakenApart, engine: GraphEngine): void {
  const initial = { ...graph, results: created.map(({ initial }) => initial) }
  const executable = engine.compile(initial, { ...NO_VARIABLES, kept: new Set(created.keys()) })
  const tensors = captures.map(({ tensor }) => tensor)
  const values = executable.run(args.tensors, tensors)
  created.forEach(({ variable }, i) => {
    variable.assign(resultAt(values, i))
  })
  tf.dispose([...values])
  executable.dispose()
}

function isAlive({ tensor }: Captured): boolean {
  return tensor instanceof tf.Variable ? !tensor.isDisposed : tf.engine().state.tensorInfo.has(tensor.dataId)
}

/** What the captures and results of a recording are to the variables that it assigns. */
function variablesOf({ captures, assigned }: Recording): Variables {
  const numbers = new Map(captures.map(({ tensor }, i) => [tensor, i]))
  const replaced = assigned.flatMap(({ variable, result }) => {
    const capture = numbers.get(variable)
    return capture === undefined ? [] : [[capture, result] as const]
  })
  return { kept: new Set(assigned.map(({ result }) => result)), replaced: new Map(replaced) }
}

function resultAt(results: readonly tf.Tensor[], index: number): tf.Tensor {
  const result = results[index]
  if (result) return result
  throw new TraceError(`The engine gave no result ${index}`)
}
