import * as tf from '@tensorflow/tfjs'

import { BackendError } from '../../src/errors.js'
import { currentBackend, useBackend } from '../../src/backend/backend-web.js'

const said = jest.spyOn(console, 'info').mockImplementation()
afterAll(() => {
  said.mockRestore()
})

it('takes WebAssembly where there is no WebGL, with the kernels that training needs', async () => {
  const report = await useBackend()
  expect(report).toMatchObject({ name: 'wasm', tfBackend: 'wasm' })
  expect(report.reason).toMatch(/no webgl backend, the page has no WebGL/)
  expect(currentBackend()).toBe(report)
  expect(said.mock.calls).toEqual([[expect.stringMatching(/^siglip-tfjs runs on WebAssembly/)]])
  const sums = tf.tidy(() =>
    tf.unsortedSegmentSum(tf.tensor1d([1, 2, 4]), tf.tensor1d([1, 0, 1], 'int32'), 2).arraySync(),
  )
  expect(sums).toEqual([2, 5])
})

it('refuses WebGL where it is not, and Node’s backend', async () => {
  await expect(useBackend('webgl')).rejects.toThrow(BackendError)
  await expect(useBackend('native')).rejects.toThrow(BackendError)
})

it('says that there is no WebGL where it is registered and the browser has it switched off', async () => {
  tf.registerBackend('webgl', () => tf.findBackend('cpu'))
  for (const [flag, value] of [
    ['WEBGL_VERSION', 0],
    ['WEBGL_RENDER_FLOAT32_ENABLED', false],
  ] as const) {
    tf.env().registerFlag(flag, () => value)
  }
  await expect(useBackend('webgl')).rejects.toThrow(/the page has no WebGL/)
  tf.env().set('WEBGL_VERSION', 2)
  await expect(useBackend('webgl')).rejects.toThrow(/half precision/)
  tf.env().set('WEBGL_RENDER_FLOAT32_ENABLED', true)
  expect(await useBackend('webgl')).toMatchObject({ name: 'webgl' })
})

it('takes WebGPU as soon as the page has registered it', async () => {
  await expect(useBackend('webgpu')).rejects.toThrow(/has not imported @tensorflow\/tfjs-backend-webgpu/)
  tf.registerBackend('webgpu', () => tf.findBackend('cpu'))
  expect(await useBackend('webgpu')).toMatchObject({ name: 'webgpu', tfBackend: 'webgpu' })
})
