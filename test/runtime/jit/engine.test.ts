import * as tf from '@tensorflow/tfjs'

import { useBackend } from '../../../src/runtime/backend-node.js'
import { type Engine, loadEngine } from '../../../src/runtime/jit/engine.js'
import type { BufferSource, Program, Step, View } from '../../../src/runtime/jit/program.js'

let engine: Engine
beforeAll(async () => {
  await useBackend('native', { quiet: true })
  const loaded = loadEngine()
  if ('missing' in loaded) throw new Error(loaded.missing)
  engine = loaded
})

/** A contiguous view of a whole buffer. */
function view(buffer: number, shape: readonly number[], dtype: View['dtype'] = 'float32'): View {
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((product, size) => product * size, 1))
  return { buffer, offset: 0, dtype, shape, strides }
}
const argument = (index: number): BufferSource => ({ kind: 'argument', index })
const capture = (index: number): BufferSource => ({ kind: 'capture', index })
const result = (
  shape: readonly number[],
  dtype: 'float32' | 'int32' | 'bool' = 'float32',
  index = 0,
): BufferSource => ({
  kind: 'result',
  index,
  shape,
  dtype,
})
const program = (buffers: readonly BufferSource[], steps: readonly Step[], arenaBytes = 0): Program => ({
  buffers,
  arenaBytes,
  steps,
})

it('multiplies', () => {
  const p = program(
    [argument(0), capture(0), result([3, 5])],
    [
      {
        kind: 'product',
        a: view(0, [3, 4]),
        b: { ...view(1, [4, 5]), strides: [1, 4] },
        c: view(2, [3, 5]),
        precision: 'float32',
        alpha: 0.5,
        activation: 'relu',
        keep: true,
      },
    ],
  )
  const x = tf.randomNormal([3, 4])
  const w = tf.randomNormal([5, 4])
  const executable = engine.compile(p)
  const [y] = executable.run([x], [w])
  const expected = tf.relu(tf.mul(0.5, tf.matMul(x, w, false, true)))
  expect(y?.shape).toEqual([3, 5])
  expect(y?.sub(expected).abs().max().dataSync()[0]).toBeLessThan(1e-6)
})
