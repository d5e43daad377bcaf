import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { blobHash } from '../../src/hub/blob-hash.js'
import { downloadModel } from '../../src/hub/download-model.js'
import { compileSources } from '../compiled-sources.js'
import { HubServer, modelOf, sha256 } from './hub-server.js'

const ID = 'owner/siglip-tiny'
const COMMIT = '0123456789abcdef0123456789abcdef01234567'

let hub: HubServer
let root: string
let cacheDir: string
beforeAll(async () => {
  hub = await HubServer.start()
  hub.models.set(ID, await modelOf('test/fixtures/siglip-tiny', COMMIT))
  root = await mkdtemp(path.join(tmpdir(), 'siglip-hub-'))
  await program()
})
afterAll(async () => {
  hub.close()
  await rm(root, { recursive: true })
})
beforeEach(async () => {
  hub.reset()
  hub.delay = 5
  cacheDir = await mkdtemp(path.join(root, 'cache-'))
})

async function program(): Promise<void> {
  const folders = ['src/hub', 'src/io']
  const files = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => `${folder}/${name}`)),
  )
  await compileSources(root, ['src/errors.ts', ...files.flat()])
  await symlink(path.resolve('node_modules'), path.join(root, 'node_modules'))
  await writeFile(
    path.join(root, 'main.js'),
    `import { downloadModel } from './src/hub/download-model.js'
     import '@huggingface/hub'
     console.log('ready')
     const stop = new AbortController()
     process.on('SIGINT', () => stop.abort(new Error('stopped')))
     const [endpoint, cacheDir] = process.argv.slice(2)
     await downloadModel(${JSON.stringify(ID)}, { endpoint, cacheDir, token: false, signal: stop.signal })`,
  )
}

async function startDownload(): Promise<{ child: ChildProcess; ended: Promise<unknown> }> {
  const child = spawn(process.execPath, [path.join(root, 'main.js'), hub.url, cacheDir], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  return { child, ended }
}

/** What the cache holds is right, whatever is still missing. Returns the names of its files. */
async function checkCache(): Promise<string[]> {
  const folder = path.join(cacheDir, 'models--owner--siglip-tiny')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const place = path.join(entry.parentPath, entry.name)
    if (entry.name.endsWith('.tmp')) continue
    if (entry.isSymbolicLink()) {
      const blob = path.resolve(entry.parentPath, await readlink(place))
      expect(sha256(await readFile(blob))).toBe(sha256(hub.models.get(ID)!.files.get(entry.name)!))
    } else if (entry.parentPath.endsWith('blobs') && !entry.name.endsWith('.incomplete')) {
      expect(await blobHash(place, entry.name)).toBe(entry.name)
    } else if (entry.name === 'main') {
      expect(await readFile(place, 'utf8')).toBe(COMMIT)
    }
  }
  return entries.map(({ name }) => name)
}

test('a process killed at any moment leaves a cache that is right, and the next one finishes', async () => {
  const seen = new Set<string>()
  for (let round = 0; round < 24; round++) {
    hub.delay = 5
    const { child, ended } = await startDownload()
    await new Promise((resolve) => setTimeout(resolve, (round * 37) % 240))
    child.kill('SIGKILL')
    await ended
    const names = await checkCache()
    seen.add(names.some((name) => name.endsWith('.incomplete')) ? 'with a partial file' : 'without one')

    hub.delay = 0
    const folder = await downloadModel(ID, { endpoint: hub.url, cacheDir, token: false })
    for (const name of ['config.json', 'spiece.model', 'model.safetensors'])
      expect(sha256(await readFile(path.join(folder, name)))).toBe(sha256(hub.models.get(ID)!.files.get(name)!))
    expect((await checkCache()).filter((name) => name.endsWith('.incomplete'))).toEqual([])
    await rm(cacheDir, { recursive: true })
  }
  expect(seen.size).toBe(2) // else the moments were all alike
})

test('Ctrl-C leaves a partial file and no lock', async () => {
  const { child, ended } = await startDownload()
  const arrived = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      void readdir(path.join(cacheDir, 'models--owner--siglip-tiny/blobs')).then(
        (names) => {
          if (!names.some((name) => name.length === 64 + '.incomplete'.length)) return
          clearInterval(timer)
          resolve()
        },
        () => undefined,
      )
    }, 5)
  })
  await arrived
  child.kill('SIGINT')
  await ended
  expect((await checkCache()).some((name) => name.endsWith('.incomplete'))).toBe(true)
  expect(await readdir(path.join(cacheDir, '.locks/models--owner--siglip-tiny'))).toEqual([])
})

test('processes that want the same at once download it once', async () => {
  const downloads = await Promise.all([startDownload(), startDownload(), startDownload()])
  for (const { ended } of downloads) expect(await ended).toEqual([0, null])
  const fetched = hub.requests.filter((line) => line.startsWith('CDN') || line.includes('/resolve/'))
  expect(fetched).toHaveLength(new Set(fetched).size)
  await checkCache()
})
