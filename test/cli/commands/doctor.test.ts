import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { jsonLines, siglip } from '../siglip.js'

let cache = ''
beforeAll(async () => {
  cache = await mkdtemp(path.join(tmpdir(), 'siglip-cache-'))
})
afterAll(() => rm(cache, { recursive: true, force: true }))

describe('siglip doctor', () => {
  it('tells versions, backend, processor, threads and cache', async () => {
    const env = { SIGLIP_CACHE: cache }
    const [table, json] = await Promise.all([siglip(['doctor'], { env }), siglip(['doctor', '--json'], { env })])
    for (const { code, stderr } of [table, json]) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(jsonLines(json.stdout)).toMatchObject([
      { versions: { node: process.versions.node }, cache: { folder: cache } },
    ])
    for (const fact of ['Node', 'backend', 'processor', 'threads', 'cache'])
      expect(table.stdout).toMatch(new RegExp(`^${fact} +\\S`, 'm'))
    expect(table.stdout).toContain(cache)
  })
})
