import { GraphBuilder, rewrite } from './graph-builder.js'
import { type Graph, NO_VARIABLES, type Variables } from './graph.js'
import { lower } from './lowering/lower.js'
import type { Program } from './program/program.js'
import { activations } from './rewrites/activations.js'
import { attention } from './rewrites/attention.js'
import { canonical } from './rewrites/canonical.js'
import { epilogues } from './rewrites/epilogues.js'
import { expand } from './rewrites/expand.js'
import { pads } from './rewrites/pads.js'

/** The rules that make a graph smaller and faster; {@link compile} applies them in this order. */
export const rewrites = { pads, activations, attention, epilogues } as const

export interface CompileOptions {
  /** What matrix products multiply; everything else is float32, as are all results. */
  readonly precision: 'float32' | 'bfloat16'
  /** Whether no value is stored in bfloat16, though products multiply in it. Default: false. */
  readonly isStoredWide?: boolean
  /** Variables that change. Default: none. */
  readonly variables?: Variables
  /** Rewrites to be left out, to see what they bring. Default: none. */
  readonly without?: readonly (keyof typeof rewrites)[]
}

/** A recorded function as a program for the engine. */
export function compile(
  graph: Graph,
  { precision, isStoredWide = false, variables = NO_VARIABLES, without = [] }: CompileOptions,
): Program {
  const builder = new GraphBuilder()
  const chosen = keysOf(rewrites).flatMap((name) => (without.includes(name) ? [] : rewrites[name]))
  const rules = [canonical, ...chosen, expand]
  const rewritten = rules.reduce((current, rule) => rewrite(current, builder, rule(builder, current)), graph)
  return lower(rewritten, { precision, isStoredWide, variables })
}

const keysOf = <T extends object>(object: T): (keyof T)[] => Object.keys(object) as (keyof T)[]
