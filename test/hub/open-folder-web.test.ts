import { HubError } from '../../src/errors.js'
import { openFolder } from '../../src/hub/open-folder-web.js'
import { HubServer, modelOf, sha256 } from './hub-server.js'

const ID = 'owner/siglip-tiny'
const COMMIT = '0123456789abcdef0123456789abcdef01234567'

let hub: HubServer
beforeAll(async () => {
  hub = await HubServer.start()
  hub.models.set(ID, await modelOf('test/fixtures/siglip-tiny', COMMIT))
})
afterAll(() => {
  hub.close()
})

test('in a page a name is a model of the hub, read piece by piece', async () => {
  const weights = hub.models.get(ID)!.files.get('model.safetensors')!
  const folder = await openFolder(ID, { endpoint: `${hub.url}/`, token: 'hf_abc' })
  expect(folder.location).toBe(`${hub.url}/${ID}/resolve/main`)
  expect(await folder.has('config.json')).toBe(true)
  expect(await folder.has('nothing.json')).toBe(false)
  expect(await folder.size('model.safetensors')).toBe(weights.length)
  expect(sha256(await folder.range('model.safetensors', 10, 1000))).toBe(sha256(weights.subarray(10, 1000)))
  expect(hub.tokens).toEqual({ hub: new Set(['hf_abc']), cdn: new Set() })
})

test('what the hub refuses is told', async () => {
  await expect((await openFolder('owner/none', { endpoint: hub.url })).has('config.json')).rejects.toThrow(HubError)
  const other = await openFolder(ID, { endpoint: hub.url, revision: 'v/2' })
  expect(other.location).toMatch(/\/resolve\/v%2F2$/)
  await expect(other.bytes('config.json')).rejects.toThrow(/Revision not found/)
})

test('fetch is called as a browser wants it: by itself', async () => {
  const as: unknown[] = []
  function fetch(this: unknown, ...args: Parameters<typeof globalThis.fetch>) {
    as.push(this)
    return globalThis.fetch(...args)
  }
  const folder = await openFolder(`${hub.url}/${ID}/resolve/main/`, { fetch })
  await folder.bytes('config.json')
  expect(as).toEqual(as.map(() => undefined))
  expect(as).not.toHaveLength(0)
})

test('a server that answers with its page for every file has none of them', async () => {
  const fetch = () =>
    Promise.resolve(new Response('<!doctype html>', { headers: { 'content-type': 'text/html; charset=utf-8' } }))
  const folder = await openFolder('http://localhost/model/', { fetch })
  expect(await folder.has('processor_config.json')).toBe(false)
  for (const read of [folder.bytes('config.json'), folder.size('config.json'), folder.range('config.json', 0, 1)]) {
    await expect(read).rejects.toThrow(
      'File not found: found HTTP 200 and a page of HTML (http://localhost/model/config.json)',
    )
  }
})
