import * as tf from '@tensorflow/tfjs'

import { onEachBackend } from '../backends.js'

onEachBackend((name) => {
  it('multiplies', () => {
    expect(tf.getBackend()).toBe(name === 'native' ? 'tensorflow' : name)
    const product = tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).arraySync())
    expect(product).toEqual([[11]])
  })
  it('differentiates a gather', () => {
    const gradient = tf.tidy(() =>
      tf
        .grad((x) => tf.gather(x, tf.tensor1d([0, 2, 2], 'int32')))(tf.ones([4, 2]))
        .arraySync(),
    )
    expect(gradient).toEqual([
      [1, 1],
      [0, 0],
      [2, 2],
      [0, 0],
    ])
  })
})
