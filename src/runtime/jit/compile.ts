import { GraphBuilder, rewrite } from './graph-builder.js'
import type { Graph } from './graph.js'
import { lower } from './lowering/lower.js'
import type { Program } from './program.js'
import { activations } from './rewrites/activations.js'
import { attention } from './rewrites/attention.js'
import { canonical } from './rewrites/canonical.js'
import { epilogues } from './rewrites/epilogues.js'
import { expand } from './rewrites/expand.js'
import { pads } from './rewrites/pads.js'

export interface CompileOptions {
  /** What matrix products multiply; everything else is float32, as are all results. */
  readonly precision: 'float32' | 'bfloat16'
  /** Numbers of the captures that are assigned between calls. Default: none. */
  readonly assigned?: ReadonlySet<number>
}

/** A recorded function as a program for the engine. */
export function compile(graph: Graph, { precision, assigned = new Set() }: CompileOptions): Program {
  const builder = new GraphBuilder()
  const rules = [canonical, pads, activations, attention, epilogues, expand]
  const rewritten = rules.reduce((current, rule) => rewrite(current, builder, rule(builder, current)), graph)
  return lower(rewritten, { precision, assigned })
}
