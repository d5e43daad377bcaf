import type { JitEngine } from '../../jit/jit-engine.js'
import { engineOf, type Fault, faultOf, type Machine, targetOf } from './check.js'
import { type Kind, type Specimen, specimenOf } from './specimen.js'

/** What is tried, and with what. */
export interface Campaign {
  readonly start: number
  /** How many programs, the kinds taking turns. */
  readonly count: number
  readonly kinds: readonly Kind[]
  readonly isas: readonly string[]
  readonly threads: readonly number[]
}

/** One program that was tried. */
export interface Trial {
  readonly seed: number
  readonly kind: Kind
  readonly specimen: Specimen
  readonly machine: Machine
  readonly fault: Fault | undefined
}

/** Beside programs, only one seed in so many is a model, too: a model takes as long as some twenty programs. */
const MODEL_EVERY = 10

/**
 * Tries one program after the other: each on all kernels, with the numbers of threads in turn. Seeds that say nothing that runs
 * operation by operation are left out and others taken.
 */
export async function* trials(
  engine: JitEngine,
  { start, count, kinds, isas, threads }: Campaign,
): AsyncGenerator<Trial> {
  let tried = 0
  for (let seed = start; tried < count; seed++) {
    for (const kind of kinds) {
      if (tried >= count) return
      if (kind === 'model' && kinds.length > 1 && seed % MODEL_EVERY !== 0) continue
      const specimen = specimenOf(seed, kind)
      if (!specimen) continue
      const targets = isas.map((isa, i) => targetOf(engine, isa, threads[(seed + i) % threads.length] ?? 1))
      const machine = { engine: engineOf(engine), targets }
      tried++
      yield { seed, kind, specimen, machine, fault: await faultOf(specimen.subject, machine) }
    }
  }
}

/** The smallest specimen found with the same kind of fault. */
export async function smallest({ specimen, machine, fault }: Trial): Promise<Specimen> {
  return specimen.shrunk(async (subject) => (await faultOf(subject, machine))?.kind === fault?.kind)
}
