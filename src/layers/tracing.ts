/**
 * Whether a function is being recorded by `jit`: its tensors have shapes then, and no values yet. What wants to look at values
 * to check them asks here first, and leaves it to the kernels.
 *
 * @module
 */
let depth = 0

/** Whether tensors have no values at the moment. */
export const isTracing = (): boolean => depth > 0

/** Runs a function during which {@link isTracing} holds. */
export function tracing<T>(run: () => T): T {
  depth++
  try {
    return run()
  } finally {
    depth--
  }
}
