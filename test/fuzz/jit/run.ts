import * as tf from '@tensorflow/tfjs'

import { jitted } from '../../../src/jit/jitted.js'
import type { GraphEngine } from '../../../src/jit/record/recorded-function.js'
import { tensorsOf, valuesOf } from './inputs.js'
import type { Recorded, Subject } from './check.js'
import { argumentsOf, type Input, type Program, sourceOf } from './program.js'
import { functionOf } from './project.js'
import { type Snapshot, snapshotOf } from './snapshot.js'

/** How often the function is called, with other arguments each time. */
const CALLS = 2

/** A program to be checked. */
export const subjectOf = (program: Program): Subject => ({
  isBf16: program.mode === 'bf16',
  plain: () => runPlain(program),
  recorded: (engine) => recorded(program, engine),
})

/** What the function gives and does to its variables, operation by operation. */
export function runPlain(program: Program): readonly Snapshot[] {
  const world = new World(program)
  try {
    world.start()
    const f = functionOf(sourceOf(program), world.around)
    for (let call = 0; call < CALLS; call++) {
      world.record(call, f(...world.argumentsOf(call)))
      world.between(call)
    }
    return world.seen
  } finally {
    world.dispose()
  }
}

/** The same, recorded by `jit` and run on an engine. */
function recorded(program: Program, engine: GraphEngine): Recorded {
  const { calling, inPlace } = program
  const world = new World(program)
  const fast = jitted(functionOf(sourceOf(program), world.around), () => engine, { maxTraces: 2, inPlace })
  return {
    async run() {
      world.start()
      const running: Promise<tf.Tensor[]>[] = []
      for (let call = 0; call < CALLS; call++) {
        const given = world.argumentsOf(call)
        if (calling === 'overlapping') {
          running.push(fast.async(...given))
          continue
        }
        world.record(call, calling === 'sync' ? fast(...given) : await fast.async(...given))
        world.between(call)
      }
      await Promise.allSettled(running)
      for (const [call, ended] of running.entries()) {
        world.record(call, await ended)
        world.between(call)
      }
      return world.seen
    },
    dispose() {
      fast.dispose()
      world.dispose()
    },
  }
}

/** The tensors around a function, and what was seen of them. */
class World {
  #seen: Snapshot[] = []
  readonly #program: Program
  readonly #tensors: Map<string, tf.Tensor>
  /** Arguments and results. */
  #passed: tf.Tensor[] = []

  constructor(program: Program) {
    this.#program = program
    this.#tensors = tensorsOf(program)
    for (const { name } of argumentsOf(program)) {
      this.#tensors.get(name)?.dispose()
      this.#tensors.delete(name)
    }
  }

  get seen(): readonly Snapshot[] {
    return this.#seen
  }

  /** What the function sees. */
  get around(): ReadonlyMap<string, tf.Tensor> {
    return this.#tensors
  }

  /** Forgets what was; variables are as at first. */
  start(): void {
    this.#forget()
    this.#seen = []
    for (const input of this.#program.inputs) this.#assign(input, 0)
    tf.engine().startScope()
  }

  argumentsOf(call: number): readonly tf.Tensor[] {
    const made = argumentsOf(this.#program).map((input) =>
      tf.tensor(valuesOf(input, call), [...input.shape], input.dtype),
    )
    this.#passed.push(...made)
    return made
  }

  record(call: number, results: readonly tf.Tensor[]): void {
    for (const [i, tensor] of results.entries()) this.#see(`result ${i} of call ${call}`, tensor)
    this.#passed.push(...results)
  }

  /** What the caller sees and does between two calls: looks at each variable, and assigns it once. */
  between(call: number): void {
    const { calling, inputs } = this.#program
    if (calling === 'overlapping' && call < CALLS - 1) return
    for (const input of inputs) {
      const variable = this.#tensors.get(input.name)
      if (!(variable instanceof tf.Variable)) continue
      this.#see(`variable ${input.name} after call ${call}`, variable)
      if (calling !== 'overlapping' && call === 0) this.#assign({ ...input, seed: input.seed + 1 }, call)
    }
  }

  #assign(input: Input, call: number): void {
    const variable = this.#tensors.get(input.name)
    if (!(variable instanceof tf.Variable)) return
    tf.tidy(() => {
      variable.assign(tf.tensor(valuesOf(input, call), [...input.shape], input.dtype))
    })
  }

  #see(what: string, tensor: tf.Tensor): void {
    this.#seen.push(snapshotOf(what, tensor))
  }

  #forget(): void {
    if (this.#passed.length > 0) tf.engine().endScope()
    for (const tensor of this.#passed) {
      if (!tensor.isDisposed && ![...this.#tensors.values()].includes(tensor)) tensor.dispose()
    }
    this.#passed = []
  }

  dispose(): void {
    this.#forget()
    for (const tensor of this.#tensors.values()) tensor.dispose()
  }
}
