import * as tf from '@tensorflow/tfjs'

import { ENGINE, type EngineBackend, isEngineBackend } from '../backend/engine/engine-backend.js'
import { compile } from './compile.js'
import { engineExecutable } from './engine-executable.js'
import type { Precision } from './precision.js'
import { engineHost } from './record/engine-host.js'
import type { GraphEngine } from './record/recorded-function.js'

/** What makes recorded functions run on the engine's backend; `undefined` while another backend runs. */
export function engineGraphs(precision: Precision): GraphEngine | undefined {
  if (tf.getBackend() !== ENGINE) return undefined
  const backend: unknown = tf.backend()
  return isEngineBackend(backend) ? graphsOf(backend, precision) : undefined
}

function graphsOf(backend: EngineBackend, precision: Precision): GraphEngine {
  const hardware = precision === 'auto' && backend.core.info().bfloat16 ? 'bfloat16' : 'float32'
  const taken = precision === 'auto' ? hardware : precision
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
