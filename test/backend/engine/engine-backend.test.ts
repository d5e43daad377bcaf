import { EngineBackend } from '../../../src/backend/engine/engine-backend.js'
import { interpretedEngine } from './interpreted-engine.js'

const core = interpretedEngine()
const backend = new EngineBackend(core)
const tensors = () => core.memory().tensors

it.each([
  ['float32', Float32Array.of(1.5, -0, NaN)],
  ['int32', Int32Array.of(1, -2, 2 ** 31 - 1)],
  ['bool', Uint8Array.of(1, 0, 1)],
  ['complex64', Float32Array.of(1, 2)],
] as const)('gives back values of %s that later changes of the array do not touch', async (dtype, values) => {
  const given = values.slice()
  const id = backend.write(given, [values.length], dtype)
  if (dtype !== 'complex64') given.fill(7)
  expect(backend.readSync(id)).toEqual(values)
  expect(await backend.read(id)).toEqual(values)
  expect(backend.disposeData(id)).toBe(true)
})

it('makes values of the type that is asked for', () => {
  const id = backend.write(Float32Array.of(0, 2, -1), [3], 'bool')
  expect(backend.readSync(id)).toEqual(Uint8Array.of(0, 1, 1))
  backend.disposeData(id)
})

it('keeps texts', () => {
  const id = backend.write([Uint8Array.of(1), Uint8Array.of(2, 3)], [2], 'string')
  expect(backend.readSync(id)).toEqual([Uint8Array.of(1), Uint8Array.of(2, 3)])
  expect(() => backend.addressOf(id)).toThrow(/numbers only/)
  backend.disposeData(id)
})

it('frees data with the last tensor that has them', () => {
  const before = tensors()
  const id = backend.write(Float32Array.of(1), [1], 'float32')
  const shared = backend.shared(id, [1, 1], 'float32')
  expect([backend.refCount(id), shared.dataId === id, backend.numDataIds(), tensors()]).toEqual([
    2,
    true,
    1,
    before + 1,
  ])
  expect(backend.disposeData(id)).toBe(false)
  expect(tensors()).toBe(before + 1)
  expect(backend.disposeData(id)).toBe(true)
  expect([backend.refCount(id), backend.numDataIds(), tensors()]).toEqual([0, 0, before])
})

it('frees data at once where it is forced', () => {
  const before = tensors()
  const id = backend.write(Float32Array.of(1), [1], 'float32')
  backend.incRef(id)
  expect(backend.disposeData(id, true)).toBe(true)
  expect([backend.numDataIds(), tensors()]).toEqual([0, before])
})

it('takes data of another backend with all that share them', () => {
  const id = {}
  backend.move(id, Int32Array.of(5), [1], 'int32', 3)
  expect([backend.refCount(id), backend.readSync(id)]).toEqual([3, Int32Array.of(5)])
  backend.disposeData(id, true)
})

it('is as exact as float32', () => {
  expect([backend.floatPrecision(), backend.epsilon(), backend.memory().unreliable]).toEqual([32, 1e-7, false])
})

it('has data of tensors without elements', () => {
  const id = backend.write(new Float32Array(0), [0, 3], 'float32')
  expect(backend.readSync(id)).toEqual(new Float32Array(0))
  expect(backend.addressOf(id)).toBeGreaterThan(0)
  backend.disposeData(id)
})
