import * as tf from '@tensorflow/tfjs'

import { isTracing } from '../backend/tracing.js'
import { type GraphEngine, RecordedFunction } from './record/recorded-function.js'
import { callPlainly } from './call-plainly.js'
import { type TakenApart, takeApart } from './tensor-tree.js'
import { UsedAsVariable } from './record/trace-guards.js'

/** What `jit` makes of a function. */
export interface Jitted<Args extends readonly unknown[], Result> {
  (...args: Args): Result
  /**
   * The same off JavaScript's thread. Calls that share variables, of whichever functions, have the effect of calls that run one after
   * the other as they were made; a variable that is read, assigned or disposed of while they run waits for the calls before.
   * @throws as the call itself, through the promise; variables are then as they were.
   */
  readonly async: (...args: Args) => Promise<Awaited<Result>>
  /** How many recordings it holds. */
  readonly traces: number
  /** Frees the recordings; one that is running, when it has run. A later call records anew. */
  readonly dispose: () => void
}

/** How recordings are kept and run. */
export interface JittedOptions {
  /** How many recordings are kept. */
  readonly maxTraces: number
  /** Whether asynchronous calls, too, write variables where they lie. */
  readonly inPlace: boolean
}

/**
 * @param engineNow what runs recordings at the moment; none: the function runs as it is
 */
export function jitted<Args extends readonly unknown[], Result>(
  fn: (...args: Args) => Result,
  engineNow: () => GraphEngine | undefined,
  { maxTraces, inPlace }: JittedOptions,
): Jitted<Args, Result> {
  const traces = new Map<string, RecordedFunction>() // the one not used for longest first
  let recordedFor: GraphEngine | undefined // which engine they run on
  const fixing = new Set<string>() // keys of calls whose variables are used as such

  /** Inside another recording it is a part of that; gradients of tfjs see only what runs step by step. */
  const isPart = (): boolean => isTracing() || tf.engine().state.gradientDepth > 0
  const engine = (): GraphEngine | undefined => (isPart() ? undefined : engineNow())

  /** A part leaves its tensors to the whole. */
  const plain = (call: () => Result): Result => (isPart() ? call() : callPlainly(call))

  function recorded(args: Args, engine: GraphEngine): { trace: RecordedFunction; tensors: readonly tf.Tensor[] } {
    if (engine !== recordedFor) dispose() // another backend runs
    recordedFor = engine
    const apart = takeApart(args)
    if (apart.variables.length === 0) return { trace: traceOf(apart, engine), tensors: apart.tensors }
    if (!fixing.has(apart.key)) {
      try {
        const trace = traceOf(apart, engine)
        if (!trace.assigns(apart.variables)) return { trace, tensors: apart.tensors }
      } catch (error) {
        if (!(error instanceof UsedAsVariable)) throw error
        fixing.add(apart.key)
      }
    }
    const fixed = takeApart(args, 'themselves')
    return { trace: traceOf(fixed, engine), tensors: fixed.tensors }
  }

  function traceOf(apart: TakenApart, engine: GraphEngine): RecordedFunction {
    const known = traces.get(apart.key)
    traces.delete(apart.key)
    const trace = known ?? new RecordedFunction((...given) => fn(...(given as unknown as Args)), apart, engine)
    traces.set(apart.key, trace)
    for (const [key, oldest] of traces) {
      if (traces.size <= maxTraces) break
      traces.delete(key)
      oldest.dispose()
    }
    return trace
  }

  function dispose(): void {
    for (const trace of traces.values()) trace.dispose()
    traces.clear()
  }

  function call(...args: Args): Result {
    const running = engine()
    if (!running) return plain(() => fn(...args))
    const { trace, tensors } = recorded(args, running)
    return trace.run(tensors) as Result
  }

  async function callAsync(...args: Args): Promise<Awaited<Result>> {
    const running = engine()
    if (!running) return await plain(() => fn(...args))
    const { trace, tensors } = recorded(args, running)
    return (await trace.runAsync(tensors, { inPlace })) as Awaited<Result>
  }

  return Object.defineProperties(call, {
    async: { value: callAsync },
    traces: { get: () => traces.size },
    dispose: { value: dispose },
  }) as Jitted<Args, Result>
}
