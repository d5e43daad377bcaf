import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { HubServer, modelOf, sha256 } from '../../hub/hub-server.js'
import { fixture, jsonLines, siglip, type Outcome } from '../siglip.js'

const ID = 'owner/siglip-tiny'
const COMMIT = '0123456789abcdef0123456789abcdef01234567'

let hub: HubServer
let home: string
beforeAll(async () => {
  hub = await HubServer.start()
  hub.models.set(ID, await modelOf(fixture('siglip-tiny'), COMMIT))
  home = await mkdtemp(path.join(tmpdir(), 'siglip-home-'))
})
afterAll(async () => {
  hub.close()
  await rm(home, { recursive: true })
})
beforeEach(() => {
  hub.reset()
})

const run = (...args: string[]): Promise<Outcome> => {
  const env = {
    HF_ENDPOINT: hub.url,
    HF_HOME: home,
    HF_TOKEN: '',
    HF_HUB_CACHE: path.join(home, 'hub'),
    HF_HUB_OFFLINE: '',
  }
  return siglip(args, { env })
}
const snapshot = (): string => path.join(home, 'hub/models--owner--siglip-tiny/snapshots', COMMIT)

describe('siglip download and cache', () => {
  it('download prints the folder, tells what it fetches, and fetches it once', async () => {
    const first = await run('download', ID)
    expect(first).toMatchObject({ code: 0, stdout: `${snapshot()}\n` })
    expect(first.stderr).toMatch(/^Downloading model\.safetensors \(0\.3 MB\)$/m)
    expect(await run('download', ID, '--json', '--revision', COMMIT)).toEqual({
      code: 0,
      stdout: `${JSON.stringify({ model: ID, folder: snapshot() })}\n`,
      stderr: '',
    })
  })

  it('download says in a line what the hub refuses', async () => {
    const missing = await run('download', 'owner/none')
    expect(missing).toMatchObject({ code: 1, stdout: '' })
    expect(missing.stderr).toMatch(/^siglip: The model does not exist on the hub.*HTTP 401.*\n$/)
    expect((await run('download', '../x')).stderr).toMatch(/^siglip: Invalid model name: .*\n$/)
    expect(await run('download')).toMatchObject({ code: 2 })
  })

  it('Ctrl-C keeps what has arrived, and the next run goes on from there', async () => {
    const cache = path.join(home, 'other')
    hub.delay = 30
    const env = { HF_ENDPOINT: hub.url, HF_HOME: home }
    const when = [/Downloading model/, (child: ChildProcess) => setTimeout(() => child.kill('SIGINT'), 200)] as const
    const stopped = await siglip(['download', ID, '--cache-dir', cache], { env, when })
    expect(stopped).toMatchObject({ code: 130, stdout: '' })
    expect(stopped.stderr).toMatch(/^Downloading model\.safetensors .*\nsiglip: stopped\n$/m)
    const left = await readdir(path.join(cache, 'models--owner--siglip-tiny/blobs'))
    expect(left.filter((name) => name.endsWith('.incomplete'))).toHaveLength(1)
    hub.delay = 0
    expect(await run('download', ID, '--cache-dir', cache)).toMatchObject({ code: 0 })
  })

  it('a token is taken from the option', async () => {
    await run('download', ID, '--token', 'hf_abc')
    expect(hub.tokens).toEqual({ hub: new Set(['hf_abc']), cdn: new Set() })
  })

  it('other commands take a model of the hub by its name', async () => {
    const { code, stdout } = await run('inspect', ID, '--json')
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toMatchObject([{ config: { model_type: 'siglip' } }])
  })

  it('cache lists, verifies and prunes', async () => {
    expect((await run('cache', 'list')).stdout).toBe(`${ID}  0123456 (main)  5 files, 0.6 MB\n`)
    expect(await run('cache', 'prune')).toEqual({ code: 0, stdout: '', stderr: 'There is nothing to remove.\n' })
    expect(await run('cache', 'verify')).toMatchObject({ code: 0, stdout: '5 right, 0 damaged, 0 lost, 0 unknown\n' })

    const weights = hub.models.get(ID)?.files.get('model.safetensors') ?? new Uint8Array()
    const blob = path.join(home, 'hub/models--owner--siglip-tiny/blobs', sha256(weights))
    await writeFile(blob, 'altered')
    const damaged = await run('cache', 'verify')
    expect(damaged).toMatchObject({ code: 1, stdout: `damaged  ${blob}\n4 right, 1 damaged, 0 lost, 0 unknown\n` })
    expect(damaged.stderr).toMatch(/^siglip: Files of the cache are damaged or lost: found 1\. Run .*--remove.*\n$/)
    const removed = await run('cache', 'verify', '--remove', '--json')
    expect(removed.code).toBe(0)
    expect(jsonLines(removed.stdout)).toContainEqual({ model: ID, path: blob, state: 'damaged' })
    expect((await run('cache', 'list', '--json')).stdout).toContain('"files":4')
  })
})
