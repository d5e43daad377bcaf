import * as tf from '@tensorflow/tfjs'
import { makeJitted } from '../../src/jit/jit-web.js'

const options = { precision: 'float32', maxTraces: 1, inPlace: false } as const

it('is the function itself in a page, and says so once', async () => {
  const said = jest.spyOn(console, 'info').mockReturnValue()
  const fn = makeJitted((a: number, b: number) => a + b, options)
  expect([fn(1, 2), await fn.async(3, 4), fn.traces]).toEqual([3, 7, 0])
  fn.dispose()
  makeJitted(() => 1, options)()
  expect(said).toHaveBeenCalledTimes(1)
  said.mockRestore()
})

it('leaves nothing but its result in a page', async () => {
  const said = jest.spyOn(console, 'info').mockReturnValue()
  const fn = makeJitted((x: tf.Tensor) => tf.sum(tf.square(tf.square(x))), options)
  const x = tf.ones([3])
  const before = tf.memory().numTensors
  const results = [fn(x), await fn.async(x)]
  expect(tf.memory().numTensors).toBe(before + 2)
  tf.dispose([x, ...results])
  said.mockRestore()
})
