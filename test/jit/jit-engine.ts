import * as tf from '@tensorflow/tfjs'

import { isEngineBackend } from '../../src/backend/engine/engine-backend.js'
import { engineExecutable } from '../../src/jit/engine-executable.js'
import type { Engine } from '../../src/jit/program/engine.js'
import type { Program } from '../../src/jit/program/program.js'
import { engineHost } from '../../src/jit/record/engine-host.js'
import type { Executable } from '../../src/jit/record/recorded-function.js'

/** What tests of `jit` ask of an engine, on whichever backend it is. */
export interface JitEngine extends Pick<
  Engine,
  'kernels' | 'usable' | 'threads' | 'setKernels' | 'setThreads' | 'host'
> {
  readonly compile: (program: Program) => Executable
}

/** The engine of the backend `siglip`, which runs. */
export function ownJitEngine(): JitEngine {
  const backend: unknown = tf.backend()
  if (!isEngineBackend(backend)) throw new Error('not the backend siglip')
  const { core } = backend
  return {
    ...core.info(),
    host: engineHost(backend),
    compile: (program) => engineExecutable(backend, program),
    setKernels: (name) => {
      core.setKernels(name)
    },
    setThreads: (count) => {
      core.setThreads(count)
    },
  }
}
