import * as tf from '@tensorflow/tfjs'

import { compile } from '../../src/jit/compile.js'
import type { JitEngine } from './jit-engine.js'
import { jitted } from '../../src/jit/jitted.js'
import type { GraphEngine } from '../../src/jit/record/recorded-function.js'

/** A function of tensors. */
export type Run = (...inputs: tf.Tensor[]) => tf.Tensor | readonly tf.Tensor[]

/**
 * Records a function and runs it with every set of kernels that this processor has, on one thread and on two, each time twice, and
 * expects what tfjs gives operation by operation: the same shapes and types, the same infinities and NaN, and numbers within
 * `tolerance` of themselves and a tenth of that of the largest.
 */
export function expectAsEager(engine: JitEngine, run: Run, inputs: readonly tf.Tensor[], tolerance = 2e-5): void {
  const list = (...given: tf.Tensor[]): tf.Tensor[] => [run(...given)].flat()
  const expected = list(...inputs)
  const { kernels, threads } = engine
  const fast = jitted(list, () => enginesGraphs(engine), { maxTraces: 1, inPlace: false })
  try {
    for (const set of engine.usable) {
      engine.setKernels(set)
      for (const count of [1, 2]) {
        engine.setThreads(count)
        for (let call = 0; call < 2; call++) {
          const found = fast(...inputs)
          found.forEach((tensor, i) => {
            expect({ set, count, ...differenceOf(expected[i], tensor, tolerance) }).toEqual({ set, count })
          })
          tf.dispose(found)
        }
      }
    }
  } finally {
    fast.dispose()
    engine.setKernels(kernels)
    engine.setThreads(threads)
  }
}

const enginesGraphs = (engine: JitEngine): GraphEngine => ({
  host: engine.host,
  compile: (graph, variables) => engine.compile(compile(graph, { precision: 'float32', variables })),
})

/** A hundred times what TensorFlow takes for 0. */
const TINY = 1.2e-36

/** What is wrong with a tensor; nothing if it is as expected. */
function differenceOf(expected: tf.Tensor | undefined, found: tf.Tensor, tolerance: number): object {
  const [want, have] = [expected, found].map((tensor) => `${tensor?.dtype} [${tensor?.shape.join()}]`)
  if (want !== have || !expected) return { want, have }
  const [plain, values] = [expected.dataSync<'float32'>(), found.dataSync<'float32'>()]
  const largest = plain.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0)
  const at = plain.findIndex((x, i) => {
    const y = values[i] ?? 0
    return !(Object.is(x, y) || x === y || Math.abs(x - y) <= tolerance * (Math.abs(x) + largest / 10) + TINY)
  })
  return at < 0 ? {} : { at, value: values[at], not: plain[at] }
}
