import * as tf from '@tensorflow/tfjs'
import { InputError, NonFiniteError } from '../../src/errors.js'
import { batchFunction } from '../../src/pipelines/batch-function.js'
import { onEachBackend } from '../backends.js'

const batch = (size: number) => ({
  x: { data: Float32Array.from({ length: size * 3 }, (_, i) => i), shape: [size, 3] },
  ids: { data: Int32Array.from({ length: size }, (_, i) => i), shape: [size] },
})
const compute = ({ x, ids }: { x: tf.Tensor; ids: tf.Tensor }): tf.Tensor2D =>
  tf.add(tf.matMul(x.as2D(-1, 3), tf.eye(3)), tf.cast(ids, 'float32').as2D(-1, 1))

onEachBackend((backend) => {
  it.each([true, false])('computes batches of any size, with jit %s, and keeps nothing', async (jit) => {
    const run = batchFunction<ReturnType<typeof batch>, tf.Tensor2D>(compute, { jit })
    const before = tf.memory().numTensors
    for (const size of [2, 5, 2]) {
      const result = await run(batch(size))
      expect(result.shape).toEqual([size, 3])
      expect(Array.from(result.dataSync().slice(0, 6))).toEqual([0, 1, 2, 4, 5, 6])
      result.dispose()
    }
    run.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })

  it.each([true, false])('refuses results that are not finite, with jit %s, and keeps nothing', async (jit) => {
    const inverse = ({ x }: { x: tf.Tensor }): tf.Tensor2D => tf.div(1, x.as2D(-1, 3))
    const run = batchFunction<Pick<ReturnType<typeof batch>, 'x'>, tf.Tensor2D>(inverse, { jit })
    const before = tf.memory().numTensors
    const inputs = (...values: number[]) => ({ x: { data: Float32Array.from(values), shape: [2, 3] } })
    await expect(run(inputs(1, 2, 3, 4, 0, 6))).rejects.toThrow(NonFiniteError)
    await expect(run(inputs(1, 2, 3, 4, 0, 6))).rejects.toThrow(/found Infinity \(input 2 of a batch of 2\)/)
    await expect(run(inputs(1, NaN, 3, 4, 5, 6))).rejects.toThrow(/found NaN \(input 1 of a batch of 2\)/)
    tf.dispose(await run(inputs(1.2e-38, 1.2e-38, 1.2e-38, 1.2e-38, 1.2e-38, 1.2e-38))) // whose sum is infinite
    run.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })

  if (backend === 'native') {
    it('multiplies in bfloat16 when asked', async () => {
      const product = ({ x }: { x: tf.Tensor }): tf.Tensor2D => tf.matMul(x.as2D(-1, 3), tf.eye(3))
      const run = batchFunction<Pick<ReturnType<typeof batch>, 'x'>, tf.Tensor2D>(product, { precision: 'bfloat16' })
      const result = await run({ x: { data: Float32Array.of(1 + 2 ** -12, 2, 3), shape: [1, 3] } })
      expect(Array.from(result.dataSync())).toEqual([1, 2, 3])
    })
  }
})

it('has bfloat16 in recorded functions only', () => {
  expect(() =>
    batchFunction<ReturnType<typeof batch>, tf.Tensor2D>(compute, { jit: false, precision: 'bfloat16' }),
  ).toThrow(InputError)
})
