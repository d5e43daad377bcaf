import * as tf from '@tensorflow/tfjs'

import { TraceError } from '../../errors.js'
import { isTracing } from '../../layers/tracing.js'
import { type GraphEngine, RecordedFunction } from './recorded-function.js'
import { takeApart } from './tensor-tree.js'

/** What `jit` makes of a function. */
export interface Jitted<Args extends readonly unknown[], Result> {
  (...args: Args): Result
  /**
   * The same off JavaScript's thread. Calls that assign variables run one after the other; the other ones at once.
   * @throws as the call itself, through the promise.
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
  let lastAssigning: Promise<unknown> | undefined

  /** Inside another recording it is a part of that; gradients of tfjs see only what runs step by step. */
  const engine = (): GraphEngine | undefined =>
    isTracing() || tf.engine().state.gradientDepth > 0 ? undefined : engineNow()

  function recorded(args: Args, engine: GraphEngine): { trace: RecordedFunction; tensors: readonly tf.Tensor[] } {
    const apart = takeApart(args)
    const known = traces.get(apart.key)
    traces.delete(apart.key)
    const trace = known ?? new RecordedFunction((...given) => fn(...(given as unknown as Args)), apart, engine)
    traces.set(apart.key, trace)
    for (const [key, oldest] of traces) {
      if (traces.size <= maxTraces) break
      traces.delete(key)
      oldest.dispose()
    }
    return { trace, tensors: apart.tensors }
  }

  function call(...args: Args): Result {
    const running = engine()
    if (!running) return fn(...args)
    if (inPlace && lastAssigning) throw stillRunning()
    const { trace, tensors } = recorded(args, running)
    if (trace.assigns && lastAssigning) throw stillRunning()
    return trace.run(tensors) as Result
  }

  async function callAsync(...args: Args): Promise<Awaited<Result>> {
    const running = engine()
    if (!running) return await fn(...args)
    if (inPlace && lastAssigning) return await afterwards(args)
    const { trace, tensors } = recorded(args, running)
    return (await (trace.assigns ? inTurn(trace, tensors) : trace.runAsync(tensors, { inPlace }))) as Awaited<Result>
  }

  /** Variables that a call writes in place can't even be looked at: what comes next is recorded when it has ended. */
  function afterwards(args: Args): Promise<Awaited<Result>> {
    const { tensors, with: rebuilt } = takeApart(args)
    const before = Promise.resolve(lastAssigning).catch(() => undefined)
    // eslint-disable-next-line siglip/no-spread-arguments -- they were the arguments of a call
    return holding(tensors, (own) => before.then(() => callAsync(...(rebuilt(own) as unknown as Args))))
  }

  /** After the calls before it: each starts from the variables that the one before has left. */
  function inTurn(trace: RecordedFunction, tensors: readonly tf.Tensor[]): Promise<unknown> {
    return holding(tensors, async (own) => {
      const release = trace.hold()
      const before = lastAssigning
      const mine = (async () => {
        await before?.catch(() => undefined)
        return await trace.runAsync(own, { inPlace })
      })()
      lastAssigning = mine
      try {
        return await mine
      } finally {
        if (lastAssigning === mine) lastAssigning = undefined
        release()
      }
    })
  }

  return Object.defineProperties(call, {
    async: { value: callAsync },
    traces: { get: () => traces.size },
    dispose: {
      value: () => {
        for (const trace of traces.values()) trace.dispose()
        traces.clear()
      },
    },
  }) as Jitted<Args, Result>
}

/** Does with tensors what must wait: the caller may dispose of his meanwhile. */
async function holding<T>(tensors: readonly tf.Tensor[], work: (own: tf.Tensor[]) => Promise<T>): Promise<T> {
  const own = tensors.map((tensor) => tf.keep(tf.clone(tensor)))
  try {
    return await work(own)
  } finally {
    tf.dispose(own)
  }
}

const stillRunning = (): TraceError =>
  new TraceError('A function that assigns variables is still running', {
    hint: 'Await the promises of its `async` calls before calling it.',
  })
