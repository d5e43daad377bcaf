import * as tf from '@tensorflow/tfjs'

import { type EngineBackend, isEngineBackend } from '../backend/engine/engine-backend.js'
import { compile } from './compile.js'
import { engineExecutable } from './engine-executable.js'
import type { Precision } from './precision.js'
import { engineHost } from './record/engine-host.js'
import type { GraphEngine } from './record/recorded-function.js'

/** What makes recorded functions run on the engine's backend; `undefined` while another backend runs. */
export function engineGraphs(precision: Precision): GraphEngine | undefined {
  const backend: unknown = tf.backend()
  return isEngineBackend(backend) ? graphsOf(backend, precision) : undefined
}

function graphsOf(backend: EngineBackend, precision: Precision): GraphEngine {
  const hardware = precision === 'auto' && backend.core.info().bfloat16 ? 'bfloat16' : 'float32'
  const taken = precision === 'auto' ? hardware : precision
  return {
    host: engineHost(backend),
    compile: (graph, variables) => engineExecutable(backend, compile(graph, { precision: taken, variables })),
  }
}
