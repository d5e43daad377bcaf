import { readFileSync } from 'node:fs'

import { doctor, formatDoctor } from '../../src/setup/doctor.js'
import { type FakeTools, fakeTools } from './fake-tools.js'

let tools: FakeTools
beforeAll(async () => {
  tools = await fakeTools()
})
afterAll(() => tools.remove())

it('reports versions, backend, processor, threads, memory, cache and the native backend', async () => {
  const report = await doctor()
  const manifest: unknown = JSON.parse(readFileSync('package.json', 'utf8'))
  expect(report).toMatchObject({
    versions: { node: process.versions.node, tfjs: '4.22.0' },
    platform: `${process.platform}-${process.arch}`,
    backend: { name: 'wasm', tfBackend: 'wasm' },
    cache: { folder: tools.cache, size: 0 },
    native: { state: 'missing', reason: 'it is not built yet' },
  })
  expect(manifest).toHaveProperty('version', report.versions.package)
  expect(report.memory.free).toBeLessThanOrEqual(report.memory.total)
  const lines = formatDoctor(report).split('\n')
  expect(lines).toHaveLength(11)
  expect(lines.at(-1)).toBe('engine        none: the native backend does not run')
  expect(lines.join('\n')).toMatch(/^native +it is not built yet .*npx siglip setup/m)
})
