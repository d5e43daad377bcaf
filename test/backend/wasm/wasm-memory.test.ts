import * as tf from '@tensorflow/tfjs'
import { BackendError } from '../../../src/errors.js'
import { SiglipModel } from '../../../src/models/siglip/modeling.js'
import { useBackend } from '../../../src/backend/backend-node.js'
import { fixturePath } from '../../fixture.js'

interface Backend {
  readonly wasm: { _malloc(bytes: number): number; _free(address: number): void }
}

it('is full with an error, not with overwritten tensors, and of use again once there is room', async () => {
  await useBackend('wasm', { quiet: true })
  const kept = tf.tensor1d([1, 2, 3])
  const { wasm } = tf.backend() as unknown as Backend
  // What is asked for and never written takes address space alone, none of the machine's memory.
  const taken: number[] = []
  const fill = (size: number): void => {
    for (let i = 0; i < 20; i++) taken.push(wasm._malloc(size))
  }
  expect(() => wasm._malloc(2 ** 32 + 8)).toThrow(BackendError)
  expect(() => {
    fill(2 ** 28)
  }).toThrow(BackendError)
  expect(taken.length).toBeGreaterThan(0)
  expect(() => tf.ones([2 ** 26])).toThrow(
    /^The memory of WebAssembly is full: expected 268435456 bytes more, found its limit of 4 GB/,
  )
  for (let size = 2 ** 27; size >= 2 ** 10; size /= 2)
    expect(() => {
      fill(size)
    }).toThrow(BackendError)
  const before = tf.memory().numTensors
  await expect(SiglipModel.fromPretrained(fixturePath('siglip-tiny'))).rejects.toThrow(BackendError)
  expect(tf.memory().numTensors).toBe(before)
  expect([...kept.dataSync()]).toEqual([1, 2, 3])
  for (const address of taken) wasm._free(address)
  expect(tf.tidy(() => tf.ones([1000]).sum().dataSync()[0])).toBe(1000)
  ;(await SiglipModel.fromPretrained(fixturePath('siglip-tiny'))).dispose()
  kept.dispose()
})
