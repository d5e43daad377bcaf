import * as tf from '@tensorflow/tfjs'
import { clipByGlobalNorm } from '../../../src/training/optimizers/clip-by-global-norm.js'
import { onEachBackend } from '../../backends.js'
import { leaked } from '../../leaks.js'

onEachBackend(() => {
  const clip = (maxNorm: number) =>
    tf.tidy(() => {
      const { gradients, norm } = clipByGlobalNorm({ a: tf.tensor1d([3, 0]), b: tf.tensor2d([[4]]) }, maxNorm)
      return { norm: norm.arraySync(), a: gradients['a']?.arraySync(), b: gradients['b']?.arraySync() }
    })

  it('scales all of them alike to the length allowed', () => {
    const { norm, a, b } = clip(1)
    expect(norm).toBeCloseTo(5, 5)
    expect((a as number[])[0]).toBeCloseTo(0.6, 5)
    expect((b as number[][])[0]?.[0]).toBeCloseTo(0.8, 5)
  })

  it('leaves shorter ones as they are', () => {
    expect(clip(6)).toEqual({ norm: 5, a: [3, 0], b: [[4]] })
  })

  it('knows no gradients, and leaves nothing behind', async () => {
    expect(tf.tidy(() => clipByGlobalNorm({}, 1).norm.arraySync())).toBe(0)
    const a = tf.ones([3])
    expect(await leaked(() => clipByGlobalNorm({ a }, 1))).toBe(0)
    a.dispose()
  })
})
