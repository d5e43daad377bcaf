import { mkdtemp, readdir, readFile, readlink, rm, stat, truncate, writeFile, mkdir } from 'node:fs/promises'
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openWeights } from '../../converters/formats/open-weights.js'
import { HubError, InputError } from '../../src/errors.js'
import type { CheckpointFolder } from '../../src/hub/checkpoint-folder.js'
import { downloadModel } from '../../src/hub/download-model.js'
import type { DownloadProgress, HubOptions } from '../../src/hub/hub-options.js'
import { openFolder } from '../../src/hub/open-folder-node.js'
import { openHubFolder } from '../../src/hub/open-hub-folder.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import { gitSha1, HubServer, modelOf, refuse, sha256 } from './hub-server.js'

const ID = 'owner/siglip-tiny'
const COMMIT = '0123456789abcdef0123456789abcdef01234567'

let hub: HubServer
let root: string
let cacheDir: string
beforeAll(async () => (hub = await HubServer.start()))
afterAll(() => {
  hub.close()
})
beforeEach(async () => {
  hub.reset()
  hub.models.set(ID, await modelOf('test/fixtures/siglip-tiny', COMMIT))
  root = await mkdtemp(path.join(tmpdir(), 'siglip-hub-'))
  cacheDir = path.join(root, 'hub')
})
afterEach(() => rm(root, { recursive: true }))

const options = (more: HubOptions = {}): HubOptions => ({
  endpoint: hub.url,
  cacheDir,
  token: false,
  localFilesOnly: false,
  retryDelay: 5,
  ...more,
})
const open = (more?: HubOptions) => openHubFolder(ID, options(more))
const file = (name: string): Uint8Array => hub.models.get(ID)!.files.get(name)!
const modelFolder = (): string => path.join(cacheDir, 'models--owner--siglip-tiny')
const weightsBlob = (): string => path.join(modelFolder(), 'blobs', sha256(file('model.safetensors')))
/** A model with one small file whose bytes tell whether they are in their place. */
const serveBytes = (length: number): Uint8Array => {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) % 256)
  hub.models.get(ID)!.files.set('model.safetensors', bytes)
  return bytes
}

describe('the cache', () => {
  test('is laid out as that of Python’s huggingface_hub', async () => {
    const folder = await open()
    expect(Buffer.from(await folder.bytes('config.json'))).toEqual(file('config.json'))
    expect(await folder.range('model.safetensors', 0, 8)).toHaveLength(8)
    expect(await folder.has('no-such-file.txt')).toBe(false)

    const names = await readdir(modelFolder(), { recursive: true })
    expect(names.sort()).toEqual(
      [
        '.no_exist',
        `.no_exist/${COMMIT}`,
        `.no_exist/${COMMIT}/no-such-file.txt`,
        'blobs',
        `blobs/${gitSha1(file('config.json'))}`,
        `blobs/${sha256(file('model.safetensors'))}`,
        'refs',
        'refs/main',
        'snapshots',
        `snapshots/${COMMIT}`,
        `snapshots/${COMMIT}/config.json`,
        `snapshots/${COMMIT}/model.safetensors`,
      ].sort(),
    )
    expect(await readFile(path.join(modelFolder(), 'refs/main'), 'utf8')).toBe(COMMIT)
    expect(await readlink(path.join(folder.location, 'config.json'))).toBe(
      path.join('../../blobs', gitSha1(file('config.json'))),
    )
    expect(await readdir(path.join(cacheDir, '.locks/models--owner--siglip-tiny'))).toEqual([])
  })

  test('a file is fetched when its bytes are first asked for, and once', async () => {
    const folder = await open()
    expect(await folder.has('model.safetensors')).toBe(true)
    expect(await folder.size('model.safetensors')).toBe(file('model.safetensors').length)
    expect(hub.requests.filter((line) => line.includes('/resolve/'))).toEqual([])
    await Promise.all([folder.bytes('config.json'), folder.bytes('config.json'), folder.range('config.json', 0, 1)])
    expect(hub.requests.filter((line) => line.includes('/resolve/'))).toEqual([
      `GET /${ID}/resolve/${COMMIT}/config.json`,
    ])
  })

  test('a commit that is in the cache asks nobody; a branch asks for its commit', async () => {
    await (await open()).bytes('config.json')
    hub.requests.length = 0
    await (await open({ revision: COMMIT })).bytes('config.json')
    expect(hub.requests).toEqual([])
    await (await open()).bytes('config.json')
    expect(hub.requests).toEqual([expect.stringContaining(`GET /api/models/${ID}/revision/main?`)])
  })

  test('a new commit takes over the contents that did not change', async () => {
    await downloadModel(ID, options())
    const next = 'f'.repeat(40)
    const { files } = hub.models.get(ID)!
    hub.models.set(ID, {
      files: new Map(files).set('config.json', Buffer.from('{}')),
      refs: { main: next, 'v/1': COMMIT },
    })
    hub.requests.length = 0
    const folder = await downloadModel(ID, options())
    expect(folder).toBe(path.join(modelFolder(), 'snapshots', next))
    expect(hub.requests.filter((line) => line.includes('/resolve/'))).toEqual([
      `GET /${ID}/resolve/${next}/config.json`,
    ])
    await (await open({ revision: 'v/1' })).bytes('config.json')
    expect(await readFile(path.join(modelFolder(), 'refs/v/1'), 'utf8')).toBe(COMMIT)
  })

  test('where the disk knows no links, the files lie in the snapshot themselves', async () => {
    process.env['HF_HUB_DISABLE_SYMLINKS'] = '1'
    try {
      const folder = await downloadModel(ID, options())
      expect((await stat(path.join(folder, 'model.safetensors'))).isFile()).toBe(true)
      await expect(readlink(path.join(folder, 'model.safetensors'))).rejects.toThrow('EINVAL')
      expect(await readdir(path.join(modelFolder(), 'blobs'))).toEqual([])
    } finally {
      delete process.env['HF_HUB_DISABLE_SYMLINKS']
    }
  })

  test('names that lead out of it are refused', async () => {
    const folder = await open()
    await expect(folder.bytes('../../config.json')).rejects.toThrow(InputError)
    await expect(openHubFolder(ID, options({ revision: '../../x' }))).rejects.toThrow(InputError)
    hub.models.get(ID)!.files.set('../../../evil', Buffer.from('evil'))
    await expect((await open()).bytes('../../../evil')).rejects.toThrow(InputError)
    expect(await readdir(root)).toEqual([])
  })
})

describe('a folder or a model', () => {
  test('a folder on disk goes before a model of its name; what looks like neither is no model', async () => {
    const folder = await openFolder('test/fixtures', options())
    expect(folder.location).toBe(path.resolve('test/fixtures'))
    expect((await openFolder(ID, options())).location).toBe(path.join(modelFolder(), 'snapshots', COMMIT))
    for (const text of ['./owner/name', 'a/b/c', 'owner/', 'owner--x/y', 'a..b', 'x.git'])
      await expect(openFolder(text, options())).rejects.toThrow(/Folder not found/)
  })
})

describe('without a connection', () => {
  const closed = { endpoint: '' }
  beforeAll(async () => {
    const server = await HubServer.start()
    closed.endpoint = server.url
    server.close()
  })

  test('what is in the cache loads; the rest is missed by name', async () => {
    await (await open()).bytes('config.json')
    const offline = await open({ ...closed, localFilesOnly: true })
    expect(Buffer.from(await offline.bytes('config.json'))).toEqual(file('config.json'))
    expect(await offline.has('model.safetensors')).toBe(false)
    await expect(offline.bytes('model.safetensors')).rejects.toThrow(/not in the cache: expected model\.safetensors/)
    await expect(open({ localFilesOnly: true, revision: 'other' })).rejects.toThrow(/not in the cache.*revision other/)
  })

  test('HF_HUB_OFFLINE asks nobody', async () => {
    process.env['HF_HUB_OFFLINE'] = '1'
    try {
      await expect(openHubFolder(ID, { endpoint: hub.url, cacheDir })).rejects.toThrow(HubError)
      expect(hub.requests).toEqual([])
    } finally {
      delete process.env['HF_HUB_OFFLINE']
    }
  })

  test('a hub out of reach is said so, or made up for by the cache with a warning', async () => {
    await expect(open(closed)).rejects.toThrow(/can’t be reached: found ECONNREFUSED.*localFilesOnly/)
    await (await open()).bytes('config.json')
    const warn = jest.spyOn(console, 'warn').mockReturnValue()
    expect(Buffer.from(await (await open(closed)).bytes('config.json'))).toEqual(file('config.json'))
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/Taking owner\/siglip-tiny from the cache, .* commit 0123456/)],
    ])
    warn.mockRestore()
  })
})

describe('tokens', () => {
  test('reach the hub and no other host', async () => {
    hub.models.set(ID, { ...hub.models.get(ID)!, private: { token: 'hf_secret', code: 'GatedRepo' } })
    await downloadModel(ID, options({ token: 'hf_secret' }))
    expect(hub.requests.some((line) => line.startsWith('CDN'))).toBe(true)
    expect(hub.tokens).toEqual({ hub: new Set(['hf_secret']), cdn: new Set() })
  })

  test('that can’t be sent are refused before they are', async () => {
    await expect(open({ token: 'hf_a b' })).rejects.toThrow(InputError)
    expect(hub.requests).toEqual([])
  })
})

describe('refusals', () => {
  const cases: [string, () => unknown, RegExp, number, HubOptions?][] = [
    [
      'a missing model',
      () => {
        hub.models.clear()
      },
      /model does not exist.*Check the name, or the path/,
      401,
    ],
    [
      'a missing model, with a token',
      () => {
        hub.models.clear()
      },
      /model does not exist/,
      404,
      { token: 'hf_x' },
    ],
    ['a missing revision', () => undefined, /Revision not found/, 404, { revision: 'nope' }],
    ['a gated model', () => protect('GatedRepo'), /is gated.*Accept its terms.*HF_TOKEN/, 401],
    ['a gated model, with a token', () => protect('GatedRepo'), /is gated/, 403, { token: 'hf_x' }],
    ['a private model', () => protect('RepoNotFound'), /model does not exist on the hub, or it is private/, 401],
    [
      'a wrong token',
      () => {
        always(401, '', 'Invalid credentials in Authorization header')
      },
      /not accept the token/,
      401,
    ],
    [
      'a limited rate',
      () => {
        always(429, '', 'Too Many Requests', '0')
      },
      /limits the rate/,
      429,
    ],
    [
      'a limited rate for long',
      () => {
        always(429, '', 'Too Many Requests', '900')
      },
      /Try again in 900 s/,
      429,
    ],
    [
      'a failing server',
      () => {
        always(503, '', 'Service Unavailable')
      },
      /The hub has a failure.*later/,
      503,
    ],
    [
      'another refusal',
      () => {
        always(451, '', 'Unavailable For Legal Reasons')
      },
      /refuses the request/,
      451,
    ],
  ]
  const protect = (code: 'GatedRepo' | 'RepoNotFound') =>
    hub.models.set(ID, { ...hub.models.get(ID)!, private: { token: 'hf_secret', code } })
  const always = (status: number, code: string, message: string, retryAfter?: string) => {
    hub.fail(
      /api/,
      (_, response) => {
        if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter)
        refuse(response, status, code, message)
      },
      Infinity,
    )
  }

  test.each(cases)('%s', async (_, prepare, message, status, more = {}) => {
    prepare()
    const error = await open(more).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(HubError)
    expect(error).toMatchObject({ code: 'ERR_HUB', status, message: expect.stringMatching(message) as unknown })
    expect((error as Error).message).not.toMatch(/\n|Signature/)
  })

  test('a missing file', async () => {
    await expect((await open()).bytes('flax_model.msgpack')).rejects.toThrow(
      /does not have this file.*found .*config\.json/,
    )
  })

  test('failures that pass are waited for, as long as the hub asks', async () => {
    hub.fail(/revision/, (_, response) => refuse(response, 503, '', ''), 2)
    hub.fail(/tree/, (_, response) => refuse(response.setHeader('retry-after', '1'), 429, '', ''))
    hub.fail(/config\.json/, (request) => request.socket.destroy(), 2)
    const start = Date.now()
    expect(Buffer.from(await (await open()).bytes('config.json'))).toEqual(file('config.json'))
    expect(Date.now() - start).toBeGreaterThanOrEqual(990)
  })

  test('what is no hub is told from one', async () => {
    hub.fail(/revision/, (_, response) => response.writeHead(200).end('<html>Log in</html>'))
    await expect(open()).rejects.toThrow(/not that of a hub.*HF_ENDPOINT/)
    hub.fail(/tree/, (_, response) =>
      response.writeHead(200).end('[{"type":"file","path":"config.json","oid":"../x"}]'),
    )
    await expect((await open()).bytes('config.json')).rejects.toThrow(/not that of a hub: expected hash and size/)
    hub.fail(/revision/, (request, response) => response.writeHead(302, { location: request.url }).end(), Infinity)
    await expect(open()).rejects.toThrow(/redirects without end/)
  })
})

describe('downloads', () => {
  const cutAfter = (bytes: number) => (request: IncomingMessage, response: ServerResponse) => {
    const from = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const all = file('model.safetensors')
    const range = from > 0 && { 'content-range': `bytes ${from}-${all.length - 1}/${all.length}` }
    response.writeHead(range ? 206 : 200, { 'content-length': all.length - from, ...range })
    response.write(all.subarray(from, from + bytes), () => setTimeout(() => request.socket.destroy(), 20))
  }
  const ranges: string[] = []
  const watching: HubOptions['fetch'] = (url, init) => {
    if (init.headers?.['range']) ranges.push(init.headers['range'])
    return fetch(url, init)
  }
  beforeEach(() => (ranges.length = 0))

  test('cut-off connections are taken up where they ended', async () => {
    const bytes = serveBytes(300_000)
    hub.fail(/^CDN/, cutAfter(70_000), 3)
    const folder = await open({ fetch: watching })
    expect(sha256(await folder.bytes('model.safetensors'))).toBe(sha256(bytes))
    expect(new Set(ranges)).toEqual(new Set(['bytes=70000-', 'bytes=140000-', 'bytes=210000-']))
  })

  test('connections that are cut for ever end in an error, and leave what has arrived', async () => {
    serveBytes(300_000)
    hub.fail(/^CDN/, cutAfter(100), Infinity)
    await expect((await open()).bytes('model.safetensors')).rejects.toThrow(
      /breaks repeatedly: found .* after 600 of 300000/,
    )
    expect((await stat(`${weightsBlob()}.incomplete`)).size).toBe(600)
  })

  test('a connection that falls silent is given up and taken up again', async () => {
    process.env['HF_HUB_DOWNLOAD_TIMEOUT'] = '0.2'
    try {
      const bytes = serveBytes(1000)
      hub.fail(/^CDN/, (_, response) => {
        response.writeHead(200, { 'content-length': 1000 }).write(bytes.subarray(0, 10))
      })
      const folder = await open({ fetch: watching })
      expect(sha256(await folder.bytes('model.safetensors'))).toBe(sha256(bytes))
      expect(new Set(ranges)).toEqual(new Set(['bytes=10-']))
    } finally {
      delete process.env['HF_HUB_DOWNLOAD_TIMEOUT']
    }
  })

  test('a partial file of an earlier run, or of Python’s, is gone on with; one that is damaged is not', async () => {
    const bytes = serveBytes(1000)
    await mkdir(path.dirname(weightsBlob()), { recursive: true })
    await writeFile(`${weightsBlob()}.incomplete`, bytes.subarray(0, 400))
    const folder = await open({ fetch: watching })
    expect(sha256(await folder.bytes('model.safetensors'))).toBe(sha256(bytes))
    expect(new Set(ranges)).toEqual(new Set(['bytes=400-']))

    for (const partial of [new Uint8Array(400), new Uint8Array(1000), new Uint8Array(2000)]) {
      await rm(modelFolder(), { recursive: true })
      await mkdir(path.dirname(weightsBlob()), { recursive: true })
      await writeFile(`${weightsBlob()}.incomplete`, partial)
      expect(sha256(await (await open()).bytes('model.safetensors'))).toBe(sha256(bytes))
    }
  })

  test('a server that knows no ranges sends all of it', async () => {
    const bytes = serveBytes(1000)
    await mkdir(path.dirname(weightsBlob()), { recursive: true })
    await writeFile(`${weightsBlob()}.incomplete`, bytes.subarray(0, 400))
    hub.fail(/^CDN/, (_, response) => response.writeHead(200).end(bytes))
    expect(sha256(await (await open()).bytes('model.safetensors'))).toBe(sha256(bytes))
  })

  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['altered', (bytes) => bytes.with(500, bytes[500]! ^ 1)],
    ['longer', (bytes) => Buffer.concat([bytes, bytes])],
  ])('%s content is never put in place', async (_, alter) => {
    const bytes = serveBytes(1000)
    hub.fail(/^CDN/, (_, response) => response.writeHead(200).end(alter(bytes)))
    await expect((await open()).bytes('model.safetensors')).rejects.toThrow(/arrives damaged/)
    expect(await readdir(path.dirname(weightsBlob()))).toEqual([])
    expect(sha256(await (await open()).bytes('model.safetensors'))).toBe(sha256(bytes))
  })

  test('small files are checked as well', async () => {
    hub.fail(/resolve.*config\.json/, (_, response) =>
      response.writeHead(200).end('x'.repeat(file('config.json').length)),
    )
    await expect((await open()).bytes('config.json')).rejects.toThrow(/arrives damaged: expected content of hash/)
  })

  test('progress is told in bytes, up to the whole', async () => {
    const bytes = serveBytes(200_000)
    const told: DownloadProgress[] = []
    await (await open({ onProgress: (progress) => told.push(progress) })).bytes('model.safetensors')
    expect(told[0]).toEqual({ file: 'model.safetensors', loadedBytes: 0, totalBytes: bytes.length })
    expect(told.at(-1)?.loadedBytes).toBe(bytes.length)
    for (const [i, { loadedBytes }] of told.entries())
      expect(loadedBytes).toBeGreaterThanOrEqual(told[i - 1]?.loadedBytes ?? 0)
  })

  test('a stop leaves what has arrived, and is no error of the hub', async () => {
    const bytes = serveBytes(200_000)
    hub.delay = 20
    const stop = new AbortController()
    const onProgress = ({ loadedBytes }: DownloadProgress): void => {
      if (loadedBytes > 50_000) stop.abort(new Error('stopped by the user'))
    }
    await expect((await open({ signal: stop.signal, onProgress })).bytes('model.safetensors')).rejects.toThrow(
      'stopped by the user',
    )
    expect((await stat(`${weightsBlob()}.incomplete`)).size).toBeGreaterThan(50_000)
    expect(await readdir(path.join(cacheDir, '.locks/models--owner--siglip-tiny'))).toEqual([])
    hub.delay = 0
    expect(sha256(await (await open({ fetch: watching })).bytes('model.safetensors'))).toBe(sha256(bytes))
    expect(ranges).not.toEqual([])
  })

  test('folders of one cache download a file once', async () => {
    const bytes = serveBytes(100_000)
    hub.delay = 10
    const folders = await Promise.all(Array.from({ length: 4 }, () => open()))
    for (const content of await Promise.all(folders.map((folder) => folder.bytes('model.safetensors'))))
      expect(sha256(content)).toBe(sha256(bytes))
    expect(hub.requests.filter((line) => line.startsWith('CDN'))).toHaveLength(1)
  })

  test('a cache that can’t be written is said to be so', async () => {
    await writeFile(cacheDir, 'a file')
    await expect((await open()).bytes('config.json')).rejects.toThrow(
      /cache can’t be written: found ENOTDIR.*HF_HUB_CACHE/,
    )
    await truncate(cacheDir)
  })
})

describe('downloadModel', () => {
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
  const index = Buffer.from(JSON.stringify({ weight_map: { a: shards[0], b: shards[1], c: shards[0] } }))
  const all = {
    weights: [
      'model.safetensors',
      'pytorch_model.bin',
      'open_clip_pytorch_model.bin',
      'big_vision.npz',
      'flax_model.msgpack',
    ],
    others: ['README.md', '.gitattributes', 'onnx/model.onnx', 'training_args.bin'],
  }

  test.each<[string, string[], string[]]>([
    ['safetensors before all else', all.weights, ['model.safetensors']],
    [
      'shards by their index',
      ['model.safetensors.index.json', 'pytorch_model.bin', ...shards, 'more.safetensors'],
      ['model.safetensors.index.json', ...shards],
    ],
    ['torch files where there is nothing better', ['pytorch_model.bin', 'a.npz'], ['pytorch_model.bin']],
    ['a single archive of big_vision', ['a.npz'], ['a.npz']],
    ['a tokenizer alone', [], []],
  ])('takes %s', async (_, weights, taken) => {
    const settings = ['config.json', 'spiece.model', 'tokenizer_config.json', 'processor_config.json']
    const names = [...settings, ...weights, ...all.others]
    const contentOf = (name: string): Uint8Array => (name.endsWith('.index.json') ? index : Buffer.from(name))
    hub.models.set(ID, { files: new Map(names.map((name) => [name, contentOf(name)])), refs: { main: COMMIT } })
    const folder = await downloadModel(ID, options())
    expect((await readdir(folder)).sort()).toEqual([...settings, ...taken].sort())
    expect(await downloadModel(ID, options({ localFilesOnly: true, endpoint: 'http://127.0.0.1:9' }))).toBe(folder)
  })

  test('is enough to load without a connection, and loading takes no more', async () => {
    const load = async (folder: CheckpointFolder): Promise<void> => {
      await SiglipProcessor.fromPretrained(folder)
      const weights = await openWeights(folder)
      await weights.read('logit_scale')
      await folder.bytes('config.json')
    }
    const downloaded = await readdir(await downloadModel(ID, options()))
    await load(await open({ localFilesOnly: true }))
    await rm(cacheDir, { recursive: true })
    const folder = await open()
    await load(folder)
    expect(downloaded).toEqual(expect.arrayContaining(await readdir(folder.location)))
  })

  test('asks to choose where it can’t', async () => {
    hub.models.set(ID, {
      files: new Map([
        ['a.npz', index],
        ['b.npz', index],
      ]),
      refs: { main: COMMIT },
    })
    await expect(downloadModel(ID, options())).rejects.toThrow(/several files of weights.*a\.npz, b\.npz/)
    expect(await readdir(await downloadModel(ID, { ...options(), files: ['b.npz'] }))).toEqual(['b.npz'])
    hub.models.set(ID, { files: new Map([['README.md', index]]), refs: { main: COMMIT } })
    await expect(downloadModel(ID, options())).rejects.toThrow(/no weights.*found README\.md/)
  })
})
