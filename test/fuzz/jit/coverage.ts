import * as tf from '@tensorflow/tfjs'

import { compile } from '../../../src/jit/compile.js'
import { nodesOf } from '../../../src/jit/graph.js'
import { elementwiseOps } from '../../../src/jit/program/program.js'
import { record } from '../../../src/jit/record/recorder.js'
import type { HostFactory } from '../../../src/jit/record/recording-host.js'
import { generateOf } from './generate.js'
import { tensorsOf } from './inputs.js'
import { kernelsOf } from './kernel-hook.js'
import { operations } from './operations/table.js'
import { argumentsOf, type Program, sourceOf } from './program.js'
import { functionOf } from './project.js'

/** What programs are made of, on each level from tfjs down to the engine. */
export interface Coverage {
  /** Operations of the fuzzer's table. */
  readonly table: Set<string>
  /** tfjs' kernels. */
  readonly kernels: Set<string>
  /** TensorFlow's operations. */
  readonly operations: Set<string>
  /** Kinds of the engine's steps. */
  readonly steps: Set<string>
  /** What products apply to their sums, and `bias` and `residual`. */
  readonly epilogues: Set<string>
  /** Operations of the engine's passes over rows. */
  readonly elementwiseOps: Set<string>
}

/** What programs cover of each operation of the table, round after round, until it is enough. */
export function coverageOf(host: HostFactory, rounds: number, isEnough: (coverage: Coverage) => boolean): Coverage {
  const coverage: Coverage = {
    ...{ table: new Set(), kernels: new Set(), operations: new Set() },
    ...{ steps: new Set(), epilogues: new Set(), elementwiseOps: new Set() },
  }
  const modes = ['normal', 'grad', 'special'] as const
  for (let seed = 0; seed < rounds && !isEnough(coverage); seed++) {
    for (const name of Object.keys(operations)) {
      const program = generateOf(name, seed, modes[seed % modes.length] ?? 'normal')
      if (program) cover(program, host, coverage)
    }
  }
  return coverage
}

function cover(program: Program, host: HostFactory, coverage: Coverage): void {
  const tensors = tensorsOf(program)
  try {
    const run = functionOf(sourceOf(program), tensors)
    const given = argumentsOf(program).map(({ name }) => tensors.get(name) ?? tf.scalar(0))
    kernelsOf(() => {
      const { graph } = record((standIns) => run(...standIns), given, host)
      for (const node of nodesOf(graph.results)) if (node.kind === 'operation') coverage.operations.add(node.op)
      for (const step of compile(graph, { precision: 'float32' }).steps) {
        coverage.steps.add(step.kind)
        if (step.kind === 'product') {
          coverage.epilogues.add(step.activation)
          if (step.bias) coverage.epilogues.add('bias')
          if (step.residual) coverage.epilogues.add('residual')
        }
        if (step.kind !== 'elementwise') continue
        for (let i = 0; i < step.code.length; i += 5)
          coverage.elementwiseOps.add(elementwiseOps[step.code[i] ?? 0] ?? '')
      }
    }).forEach((kernel) => coverage.kernels.add(kernel))
    for (const { operation } of program.statements) coverage.table.add(operation)
  } finally {
    for (const tensor of tensors.values()) if (!tensor.isDisposed) tensor.dispose()
  }
}
