import * as tf from '@tensorflow/tfjs'

import { ENGINE, EngineBackend, isEngineBackend } from '../../backend/engine/engine-backend.js'
import type { EngineCore } from '../../backend/engine/engine-core.js'
import { BackendError } from '../../errors.js'
import { kernelOf } from './cpu-kernel.js'
import { KernelRunner } from './run-kernel.js'
import { graphKernels } from './table.js'

/**
 * Registers tfjs's backend {@link ENGINE}. Nothing is loaded before tfjs starts it.
 *
 * @param load the engine
 * @param report prints a line
 * @param priority with which tfjs takes it by itself; that of its `cpu` backend is 1
 */
export function registerEngineBackend(
  load: () => Promise<EngineCore>,
  report: (line: string) => void,
  priority: number,
): void {
  if (tf.engine().registryFactory[ENGINE]) return
  tf.registerBackend(
    ENGINE,
    async () => {
      const backend = new EngineBackend(await load())
      registerKernels(backend, report)
      return backend
    },
    priority,
  )
}

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
