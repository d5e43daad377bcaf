import * as tf from '@tensorflow/tfjs'

import { ENGINE, EngineBackend, isEngineBackend } from '../../backend/engine/engine-backend.js'
import type { EngineCore } from '../../backend/engine/engine-core.js'
import { BackendError } from '../../errors.js'
import { kernelOf } from './cpu-kernel.js'
import { KernelRunner } from './run-kernel.js'
import { graphKernels } from './table.js'

/**
 * Registers tfjs's backend {@link ENGINE}. Nothing is loaded before tfjs starts it. It starts asynchronously, and tfjs refuses all
 * operations until a backend of the highest priority has: so it has the lowest, and is taken where it is asked for.
 *
 * @param load the engine
 * @param report prints a line
 */
export function registerEngineBackend(load: () => Promise<EngineCore>, report: (line: string) => void): void {
  if (tf.engine().registryFactory[ENGINE]) return
  tf.registerBackend(
    ENGINE,
    async () => {
      const backend = new EngineBackend(await load())
      registerKernels(backend, report)
      return backend
    },
    LOWEST,
  )
}

/** Below that of tfjs's `cpu` backend, which is 1. */
const LOWEST = 0

function registerKernels(own: EngineBackend, report: (line: string) => void): void {
  const reported = new Set<string>()
  const runner = new KernelRunner(own, (kernelName) => {
    if (reported.has(kernelName)) return
    reported.add(kernelName)
    report(`siglip-tfjs: tfjs's plain JavaScript computes ${kernelName}, which the engine does not know`)
  })
  const names = new Set([
    ...Object.keys(graphKernels),
    ...tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName),
  ])
  for (const kernelName of names) {
    if (kernelOf(kernelName, ENGINE)) tf.unregisterKernel(kernelName, ENGINE)
    tf.registerKernel({
      kernelName,
      backendName: ENGINE,
      kernelFunc: ({ inputs, backend, attrs = {} }) => {
        if (isEngineBackend(backend)) return runner.run({ kernelName, inputs, attrs })
        throw new BackendError('A kernel of the engine is called for another backend', { found: kernelName })
      },
    })
  }
}
