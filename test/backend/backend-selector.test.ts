import * as tf from '@tensorflow/tfjs'

import { BackendError, InputError } from '../../src/errors.js'
import { backendSelector, type Candidate } from '../../src/backend/backend-selector.js'

/** tfjs has `cpu` everywhere; the order is what is tested, so every candidate that runs is that. */
const works = (name: Candidate['name'], started: string[] = []): Candidate => ({
  name,
  tfBackend: 'cpu',
  prepare: () => {
    started.push(name)
    return { version: '1.2.3', reason: 'it runs here' }
  },
})
const lacks = (name: Candidate['name']): Candidate => ({
  name,
  tfBackend: name,
  remedy: 'Build it: `make`',
  prepare: () => ({ missing: 'it is not built yet' }),
})

function selector(candidates: readonly Candidate[], preference?: string) {
  const lines: string[] = []
  const chosen = backendSelector(candidates, () => ({ preference, say: (line) => lines.push(line) }))
  return { ...chosen, lines }
}

it('takes the first that runs, says why once, and how to get the faster one', async () => {
  const { useBackend, currentBackend, lines } = selector([lacks('native'), works('wasm'), works('cpu')])
  expect(currentBackend()).toBeUndefined()
  const report = await useBackend()
  expect(report).toEqual({
    name: 'wasm',
    tfBackend: 'cpu',
    version: '1.2.3',
    reason: 'no native backend, it is not built yet',
    hint: 'Build it: `make`',
  })
  expect(currentBackend()).toBe(report)
  await useBackend()
  expect(lines).toEqual([
    'siglip-tfjs runs on WebAssembly 1.2.3: no native backend, it is not built yet. Build it: `make`',
  ])
})

it('says once that plain JavaScript runs where nobody has chosen', async () => {
  const { tellUnchosen, useBackend, lines } = selector([works('wasm')])
  tellUnchosen()
  tellUnchosen()
  await useBackend()
  expect(lines).toEqual([
    expect.stringMatching(/plain JavaScript.*`await useBackend\(\)` before a model is made/),
    expect.stringMatching(/runs on WebAssembly/),
  ])
  const chosen = selector([works('cpu')])
  await chosen.useBackend('auto', { quiet: true })
  chosen.tellUnchosen()
  expect(chosen.lines).toEqual([])
})

it('says nothing when asked to be quiet', async () => {
  const { useBackend, lines } = selector([works('wasm')])
  await useBackend('auto', { quiet: true })
  expect(lines).toEqual([])
})

it('goes on to the next one when one breaks on its start', async () => {
  const breaks: Candidate = { ...works('native'), prepare: () => Promise.reject(new Error('no such instruction')) }
  const { useBackend } = selector([breaks, works('cpu')])
  const report = await useBackend()
  expect(report.name).toBe('cpu')
  expect(report.reason).toContain('no such instruction')
})

it('refuses a backend that was asked for and cannot run, with the reason and the remedy', async () => {
  const { useBackend } = selector([lacks('native'), works('wasm')])
  const error: unknown = await useBackend('native').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(BackendError)
  expect(String(error)).toMatch(/native cannot run here.*it is not built yet.*`make`/)
})

it.each(['webgl', 'webgpu'] as const)('refuses %s, which is not for here', async (name) => {
  await expect(selector([works('wasm')]).useBackend(name)).rejects.toThrow(BackendError)
})

it('takes the preference from outside in place of auto, and only then', async () => {
  const started: string[] = []
  const { useBackend } = selector([works('native', started), works('wasm', started), works('cpu', started)], 'wasm')
  expect((await useBackend()).name).toBe('wasm')
  expect((await useBackend('cpu')).name).toBe('cpu')
  expect(started).toEqual(['wasm', 'cpu'])
})

it('refuses a preference that is no backend', async () => {
  await expect(selector([works('cpu')], 'gpu').useBackend()).rejects.toThrow(InputError)
})

it('shares one start between calls of the same moment', async () => {
  const started: string[] = []
  const { useBackend } = selector([works('wasm', started)])
  const [first, second] = [useBackend(), useBackend()]
  expect(second).toBe(first)
  await Promise.all([first, second])
  expect(started).toEqual(['wasm'])
})

it('can be asked again after a failure', async () => {
  let built = false
  const later: Candidate = {
    ...works('native'),
    prepare: () => (built ? { version: '2', reason: 'it is built' } : { missing: 'it is not built yet' }),
  }
  const { useBackend } = selector([later])
  await expect(useBackend('native')).rejects.toThrow(BackendError)
  built = true
  expect((await useBackend('native')).version).toBe('2')
})

it('respects a backend that the program has set itself', async () => {
  const started: string[] = []
  tf.registerBackend('own', () => tf.findBackend('cpu'), 0)
  await tf.setBackend('own')
  const report = await selector([works('wasm', started)]).useBackend()
  expect(report).toMatchObject({ name: 'other', tfBackend: 'own' })
  expect(started).toEqual([])
  await tf.setBackend('cpu')
})
