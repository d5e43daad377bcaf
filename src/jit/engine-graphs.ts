import * as tf from '@tensorflow/tfjs'

import { ENGINE, type EngineBackend, isEngineBackend } from '../backend/engine/engine-backend.js'
import { compile } from './compile.js'
import { engineExecutable } from './engine-executable.js'
import { type Precision, precisionOn } from './precision.js'
import { engineHost } from './record/engine-host.js'
import type { GraphEngine } from './record/recorded-function.js'

/** What makes recorded functions run on the engine's backend; `undefined` while another backend runs. */
export function engineGraphs(precision: Precision): GraphEngine | undefined {
  if (tf.getBackend() !== ENGINE) return undefined
  const backend: unknown = tf.backend()
  if (!isEngineBackend(backend)) return undefined
  const made = known.get(backend) ?? new Map<Precision, GraphEngine>()
  known.set(backend, made)
  const engine = made.get(precision) ?? graphsOf(backend, precision)
  made.set(precision, engine)
  return engine
}

/** One for each backend and precision: recordings are kept for the engine that they were made for. */
const known = new WeakMap<EngineBackend, Map<Precision, GraphEngine>>()

function graphsOf(backend: EngineBackend, precision: Precision): GraphEngine {
  const taken = precisionOn(backend.core.info().bfloat16, precision)
  return {
    host: engineHost(backend),
    compile(graph, variables) {
      const program = compile(graph, { precision: taken, variables })
      // Where it is cut, values are tensors, and none of them is bfloat16.
      const isCut = taken === 'bfloat16' && program.steps.some(({ kind }) => kind === 'tensorflow')
      return engineExecutable(
        backend,
        isCut ? compile(graph, { precision: taken, isStoredWide: true, variables }) : program,
      )
    },
  }
}
