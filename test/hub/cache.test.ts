import { appendFile, mkdtemp, readdir, readFile, realpath, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { downloadModel } from '../../src/hub/download-model.js'
import { listCache } from '../../src/hub/list-cache.js'
import { pruneCache } from '../../src/hub/prune-cache.js'
import { verifyCache, type VerifiedFile } from '../../src/hub/verify-cache.js'
import { HubServer, modelOf, sha256 } from './hub-server.js'

const ID = 'owner/siglip-tiny'
const OLD = '0'.repeat(40)
const NEW = '1'.repeat(40)

let hub: HubServer
let cacheDir: string
let oldConfig: Uint8Array
beforeAll(async () => (hub = await HubServer.start()))
afterAll(() => {
  hub.close()
})
beforeEach(async () => {
  cacheDir = await mkdtemp(path.join(tmpdir(), 'siglip-hub-'))
  const model = await modelOf('test/fixtures/siglip-tiny', OLD)
  hub.models.set(ID, model)
  oldConfig = model.files.get('config.json')!
  await download()
  hub.models.set(ID, {
    files: new Map(model.files).set('config.json', Buffer.from('{}')),
    refs: { main: NEW, 'v/1': NEW },
  })
})
afterEach(() => rm(cacheDir, { recursive: true }))

const download = (revision?: string): Promise<string> =>
  downloadModel(ID, { endpoint: hub.url, cacheDir, token: false, revision })
const folder = (): string => path.join(cacheDir, 'models--owner--siglip-tiny')
const blobs = async (): Promise<string[]> => (await readdir(path.join(folder(), 'blobs'))).sort()

/** As if the cache had lain there for an hour. */
async function age(): Promise<void> {
  const entries = await readdir(cacheDir, { recursive: true, withFileTypes: true })
  const past = new Date(Date.now() - 3_600_000)
  for (const entry of entries)
    if (!entry.isSymbolicLink()) await utimes(path.join(entry.parentPath, entry.name), past, past)
}

test('the list tells each commit with its branches and what it takes', async () => {
  await download()
  await download('v/1')
  const sizes = [...hub.models.get(ID)!.files]
    .filter(([name]) => !/expected|adamw/.test(name))
    .map(([, bytes]) => bytes.length)
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  expect(await listCache({ cacheDir })).toEqual([
    { model: ID, commit: OLD, refs: [], files: 5, bytes: expect.any(Number) as number },
    { model: ID, commit: NEW, refs: ['main', 'v/1'], files: 5, bytes },
  ])
})

test('a cache that was asked for and is not there is an error, the usual one is empty until something is downloaded', async () => {
  const nowhere = path.join(cacheDir, 'nowhere')
  for (const use of [listCache, pruneCache, (options: object) => verifyCache(options).next()])
    await expect(use({ cacheDir: nowhere })).rejects.toThrow(/The cache can’t be read.*nowhere/)
  const before = process.env['HF_HUB_CACHE']
  process.env['HF_HUB_CACHE'] = nowhere
  try {
    expect(await listCache()).toEqual([])
  } finally {
    if (before === undefined) delete process.env['HF_HUB_CACHE']
    else process.env['HF_HUB_CACHE'] = before
  }
})

test('verifying finds what was altered or lost, and removes it for the next download', async () => {
  const verified = async (remove = false): Promise<VerifiedFile[]> => {
    const files: VerifiedFile[] = []
    for await (const file of verifyCache({ cacheDir, remove })) files.push(file)
    return files.filter(({ state }) => state !== 'right')
  }
  expect(await verified()).toEqual([])
  const weights = path.join(folder(), 'blobs', sha256(hub.models.get(ID)!.files.get('model.safetensors')!))
  await appendFile(weights, '!')
  await writeFile(path.join(folder(), 'blobs', 'another-etag'), '')
  const spiece = path.join(folder(), 'snapshots', OLD, 'spiece.model')
  await rm(await realpath(spiece))
  expect((await verified()).map(({ state }) => state).sort()).toEqual(['damaged', 'lost', 'unknown'])
  await verified(true)
  expect((await verified()).map(({ state }) => state)).toEqual(['unknown'])
  const restored = await download()
  expect(sha256(await readFile(path.join(restored, 'model.safetensors')))).toBe(path.basename(weights))
})

test('pruning removes what no branch leads to, and tells before', async () => {
  await download()
  await writeFile(path.join(folder(), 'blobs', `${'a'.repeat(64)}.incomplete`), 'abc')
  await age()
  await writeFile(path.join(folder(), 'blobs', `${'b'.repeat(64)}.incomplete`), 'of a download that goes on')

  const all = await blobs()
  const found = await pruneCache({ cacheDir })
  expect(found.map(({ kind, bytes }) => [kind, bytes]).sort()).toEqual([
    ['content', oldConfig.length],
    ['partial', 3],
    ['revision', 0],
  ])
  expect(await blobs()).toEqual(all) // a dry run

  expect(await pruneCache({ cacheDir, dryRun: false })).toEqual(found)
  expect(await readdir(path.join(folder(), 'snapshots'))).toEqual([NEW])
  for await (const { state } of verifyCache({ cacheDir })) expect(state).toBe('right')
  expect(await blobs()).toContain(`${'b'.repeat(64)}.incomplete`)
  expect(await pruneCache({ cacheDir })).toEqual([])
})
