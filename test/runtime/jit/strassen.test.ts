import * as tf from '@tensorflow/tfjs'

import type { Program } from '../../../src/runtime/jit/program.js'
import { onEveryKernel } from '../../backends.js'
import { dice } from '../../dice.js'
import { programOf, viewOf } from './expect-as-plain.js'

/** x·wᵀ + bias + residual. weights: whether w stays as it is between runs, as those of a layer do. */
function layer(m: number, k: number, n: number, weights = true): Program {
  const order = [1, 0]
  return programOf(
    [
      { kind: 'argument', index: 0 },
      { kind: 'capture', index: 0 },
      { kind: 'result', index: 0, shape: [m, n], dtype: 'float32' },
      { kind: 'argument', index: 1 },
      { kind: 'argument', index: 2 },
    ],
    [
      {
        kind: 'product',
        ...{ a: viewOf(0, [m, k]), b: viewOf(1, [k, n], 'float32', order), c: viewOf(2, [m, n]) },
        ...{ bias: viewOf(3, [n]), residual: viewOf(4, [m, n]) },
        ...{ alpha: 1, activation: 'none', precision: 'float32', keep: weights },
      },
    ],
  )
}

/** Between −1 and 1; quicker than tfjs's. */
function noise(shape: number[], seed: number): tf.Tensor {
  const roll = dice(seed)
  return tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => roll(2 ** 24) / 2 ** 23 - 1),
    shape,
  )
}

const valuesOf = (tensor: tf.Tensor): Float32Array => tensor.dataSync<'float32'>()
const bytes = (values: Float32Array = new Float32Array()): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength)
const at = (values: Float32Array | undefined, index: number): number => values?.[index] ?? NaN

onEveryKernel((engine) => {
  function run(program: Program, args: tf.Tensor[], w: tf.Variable): Float32Array {
    const executable = engine().compile(program)
    const [result] = executable.run(args, [w]).map(valuesOf)
    executable.dispose()
    return result ?? new Float32Array()
  }

  // Halves that end inside of a block and one line after it; what threads claim, and what is cut into tasks, in one slab and in three.
  const sizes = [
    { m: 391, k: 1028, n: 259 },
    { m: 393, k: 1024, n: 257 },
    { m: 801, k: 776, n: 803 },
    { m: 801, k: 1560, n: 803 },
  ]
  it.each(sizes)('is the plain sum, with the same bits for any number of threads: $m × $n × $k', ({ m, k, n }) => {
    const [x, bias, residual] = [noise([m, k], 1), noise([n], 3), noise([m, n], 4)]
    const w = tf.variable(noise([n, k], 2))
    const [a, b, c, d] = [x, w, bias, residual].map(valuesOf)
    const { kernels } = engine()
    for (const set of engine().usable) {
      engine().setKernels(set)
      const results = [1, 2, 3].map((threads) => {
        engine().setThreads(threads)
        return run(layer(m, k, n), [x, bias, residual], w)
      })
      expect(results.map((result) => bytes(result).equals(bytes(results[0])))).toEqual([true, true, true])
      const half = (m + 1) / 2
      for (const row of [0, 1, 13, half - 2, half - 1, half, m - 2, m - 1]) {
        let worst = 0
        for (let column = 0; column < n; column++) {
          let sum = at(c, column) + at(d, row * n + column)
          for (let i = 0; i < k; i++) sum += at(a, row * k + i) * at(b, column * k + i)
          worst = Math.max(worst, Math.abs(at(results[0], row * n + column) - sum))
        }
        const usual = Math.sqrt(k) / 3 // the size of a sum
        expect({ set, row, close: worst < 1e-5 * usual }).toEqual({ set, row, close: true })
      }
    }
    engine().setKernels(kernels)
    engine().setThreads(engine().threads)
    w.dispose()
  })

  it('leaves alone what are no weights: a row is the same beside any others', () => {
    const [m, k, n] = [400, 512, 256]
    const [x, bias, residual] = [noise([m, k], 1), noise([n], 3), noise([m, n], 4)]
    const w = tf.variable(noise([n, k], 2))
    const some = (tensor: tf.Tensor): tf.Tensor => tensor.slice([0, 0], [100, -1])
    const few = run(layer(100, k, n), [some(x), bias, some(residual)], w)
    const first = (weights: boolean) => run(layer(m, k, n, weights), [x, bias, residual], w).subarray(0, few.length)
    expect(first(false)).toEqual(few)
    expect(first(true)).not.toEqual(few)
    w.dispose()
  })
})
