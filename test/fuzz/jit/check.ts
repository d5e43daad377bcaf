import * as tf from '@tensorflow/tfjs'

import { compile } from '../../../src/jit/compile.js'
import type { JitEngine } from '../../jit/jit-engine.js'
import type { GraphEngine } from '../../../src/jit/record/recorded-function.js'
import { type Difference, judged } from './judge.js'
import type { Snapshot } from './snapshot.js'
import { withBf16Products, withRandomRounding } from './rounding.js'

/** Something that can be run operation by operation and recorded. */
export interface Subject {
  /** Whether `jit` multiplies bfloat16. */
  readonly isBf16: boolean
  /** What is seen of it, operation by operation. */
  readonly plain: () => readonly Snapshot[]
  /** The same, recorded by `jit` and run on an engine. */
  readonly recorded: (engine: GraphEngine) => Recorded
}

/** What `jit` has made of a subject. */
export interface Recorded {
  /** What is seen of it; each time from the start. */
  readonly run: () => Promise<readonly Snapshot[]>
  readonly dispose: () => void
}

/** What runs recordings, and in which ways. */
export interface Machine {
  readonly engine: (precision: 'float32' | 'bfloat16') => GraphEngine
  readonly targets: readonly Target[]
}

/** One way to run: these kernels, so many threads. */
export interface Target {
  readonly name: string
  readonly choose: () => void
}

export const engineOf =
  (engine: JitEngine): Machine['engine'] =>
  (precision) => ({
    host: engine.host,
    compile: (graph, variables) => engine.compile(compile(graph, { precision, variables })),
  })

export const targetOf = (engine: JitEngine, isa: string, threads: number): Target => ({
  name: `${isa}, ${threads} thread${threads === 1 ? '' : 's'}`,
  choose() {
    engine.setKernels(isa)
    engine.setThreads(threads)
  },
})

export type Fault =
  | ({ readonly kind: 'differs'; readonly target: string } & Difference)
  | { readonly kind: 'refused' | 'fails'; readonly target: string; readonly error: Error }
  | { readonly kind: 'leaks'; readonly target: string; readonly tensors: number }

/** How many runs with random rounding there are at first, and before something is called wrong. */
const SAMPLES = [2, 8, 48]

/** The first fault of a subject on the machine's targets. */
export async function faultOf(subject: Subject, { engine, targets }: Machine): Promise<Fault | undefined> {
  const { isBf16 } = subject
  const { numTensors } = tf.memory()
  let target = 'operation by operation'
  let recorded: Recorded | undefined
  try {
    const reference = new Reference(subject)
    target = 'recording'
    recorded = subject.recorded(engine(isBf16 ? 'bfloat16' : 'float32'))
    for (const { name, choose } of targets) {
      target = name
      choose()
      const difference = reference.differenceOf(await recorded.run())
      if (difference) return { kind: 'differs', target, ...difference }
    }
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    return { kind: recorded ? 'refused' : 'fails', target, error }
  } finally {
    recorded?.dispose()
  }
  const tensors = tf.memory().numTensors - numTensors
  return tensors === 0 ? undefined : { kind: 'leaks', target, tensors }
}

/** What a subject is operation by operation, with random rounding as far as it is needed. */
class Reference {
  readonly #subject: Subject
  readonly #expected: readonly Snapshot[]
  readonly #samples: (readonly Snapshot[])[] = []

  constructor(subject: Subject) {
    this.#subject = subject
    this.#expected = subject.isBf16 ? withBf16Products(subject.plain) : subject.plain()
  }

  differenceOf(found: readonly Snapshot[]): Difference | undefined {
    let difference = judged(this.#expected, [], found)
    const relative = this.#subject.isBf16 ? BF16_ALWAYS : undefined
    for (const count of SAMPLES) {
      if (difference) difference = judged(this.#expected, this.#sampled(count), found, relative)
    }
    return difference
  }

  #sampled(count: number): readonly (readonly Snapshot[])[] {
    const { isBf16, plain } = this.#subject
    while (this.#samples.length < count) {
      this.#samples.push(withRandomRounding(this.#samples.length, isBf16, plain))
    }
    return this.#samples
  }
}

/** What may be lost of any number by products of bfloat16: two units in its last place. */
const BF16_ALWAYS = 2 ** -6

/** A fault in one line. */
export function described(fault: Fault): string {
  const { target } = fault
  switch (fault.kind) {
    case 'differs':
      return `${target}: ${fault.what}: ${fault.found} instead of ${fault.expected}; ${fault.wrong} of ${fault.of} are wrong`
    case 'fails':
    case 'refused':
      return `${target}: ${fault.kind}: ${fault.error.name}: ${fault.error.message.replace(/\s+/g, ' ').slice(0, 300)}`
    case 'leaks':
      return `${target}: ${fault.tensors} tensors more than before`
  }
}
