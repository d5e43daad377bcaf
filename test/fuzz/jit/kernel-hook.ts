import * as tf from '@tensorflow/tfjs'

import { NATIVE } from '../../../src/backend/backend-report.js'

/** A kernel's inputs, by tfjs' names; an array where it takes any number of them. */
export type KernelInputs = tf.NamedTensorInfoMap

/** Runs a kernel on these inputs, and with these of its attributes instead of its own. */
export type RunKernel = (inputs: KernelInputs, attributes?: tf.NamedAttrMap) => tf.TensorInfo[]

/** Stands around each kernel that runs. */
export type KernelHook = (kernel: string, inputs: KernelInputs, run: RunKernel) => tf.TensorInfo[]

let current: KernelHook | undefined
let isInstalled = false

/** Runs something with a hook around each kernel of the native backend that it runs. */
export function withHook<T>(hook: KernelHook, run: () => T): T {
  install()
  const before = current
  current = hook
  try {
    return run()
  } finally {
    current = before
  }
}

/** Puts each kernel behind a function that looks whether there is a hook. */
function install(): void {
  if (isInstalled) return
  isInstalled = true
  for (const kernel of tf.getKernelsForBackend(NATIVE)) {
    const { kernelName, kernelFunc } = kernel
    tf.unregisterKernel(kernelName, NATIVE)
    tf.registerKernel({
      ...kernel,
      kernelFunc: (call) => {
        const hook = current
        if (!hook) return kernelFunc(call)
        const made = { isOne: false }
        // Kernels that a kernel runs are part of it.
        const run: RunKernel = (inputs, attributes) => {
          current = undefined
          try {
            const results = kernelFunc({ ...call, inputs, attrs: { ...call.attrs, ...attributes } })
            made.isOne = !Array.isArray(results)
            return Array.isArray(results) ? results : [results]
          } finally {
            current = hook
          }
        }
        const results = hook(kernelName, call.inputs, run)
        const [first] = results
        return made.isOne && first ? first : results
      },
    })
  }
}

/** The names of the kernels that something runs. */
export function kernelsOf(run: () => unknown): ReadonlySet<string> {
  const names = new Set<string>()
  withHook((kernel, inputs, run) => {
    names.add(kernel)
    return run(inputs)
  }, run)
  return names
}
