import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { FileError, InputError } from '../../src/errors.js'
import type { CheckpointFolder } from '../../src/hub/checkpoint-folder.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { openFolder } from '../../src/hub/open-folder-node.js'
import { openFolder as openUrl } from '../../src/hub/open-folder-web.js'

const content = Uint8Array.from({ length: 1000 }, (_, i) => i % 251)
const files = new Map([
  ['model.bin', content],
  ['sub/name with space.txt', new TextEncoder().encode('hello')],
  ['empty', new Uint8Array(0)],
])

let directory: string
let servers: Server[]
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'siglip-folder-'))
  await mkdir(path.join(directory, 'sub'))
  for (const [name, bytes] of files) await writeFile(path.join(directory, name), bytes)
  await symlink(path.join(directory, 'model.bin'), path.join(directory, 'link.bin'))
  servers = await Promise.all([serve('ranges'), serve('whole files'), serve('wrong ranges')])
})
afterAll(async () => {
  for (const server of servers) server.close()
  await rm(directory, { recursive: true })
})

function serve(kind: 'ranges' | 'whole files' | 'wrong ranges'): Promise<Server> {
  const server = createServer((request, response) => {
    const file = files.get(decodeURIComponent(request.url ?? '').replace(/^\/a\//, ''))
    if (request.url?.endsWith('/forbidden')) return response.writeHead(403).end()
    if (!file) return response.writeHead(404).end()
    const range = kind === 'whole files' ? undefined : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    const body = range ? file.subarray(Number(range[1]), Number(range[2]) + (kind === 'ranges' ? 1 : 2)) : file
    response.writeHead(range ? 206 : 200, { 'content-length': body.length })
    return response.end(request.method === 'HEAD' ? undefined : body)
  })
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      resolve(server)
    }),
  )
}

function urlOf(server: Server | undefined): string {
  const address = server?.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/a`
}

describe.each<[string, () => Promise<CheckpointFolder>]>([
  ['on disk', () => openFolder(directory)],
  ['at a file URL', () => openFolder(pathToFileURL(directory))],
  ['at a URL whose server knows ranges', () => openFolder(urlOf(servers[0]))],
  ['at a URL whose server knows no ranges', () => openUrl(urlOf(servers[1]))],
  ['in memory', () => Promise.resolve(new MemoryFolder(files))],
])('a checkpoint folder %s', (_, open) => {
  test('gives files, sizes and ranges', async () => {
    const folder = await open()
    expect(await folder.has('model.bin')).toBe(true)
    expect(await folder.has('other.bin')).toBe(false)
    expect(await folder.size('model.bin')).toBe(1000)
    expect(await folder.bytes('model.bin')).toEqual(content)
    expect(await folder.range('model.bin', 10, 20)).toEqual(content.subarray(10, 20))
    expect(await folder.range('model.bin', 990, 1000)).toEqual(content.subarray(990))
    expect(await folder.range('model.bin', 5, 5)).toEqual(new Uint8Array(0))
    expect(Buffer.from(await folder.bytes('sub/name with space.txt')).toString()).toBe('hello')
    expect(await folder.size('empty')).toBe(0)
    expect(await folder.bytes('empty')).toHaveLength(0)
  })

  test('gives bytes that begin at the start of their own buffer, so that they can be seen as floats', async () => {
    const range = await (await open()).range('model.bin', 3, 11)
    expect([range.byteOffset, range.buffer.byteLength]).toEqual([0, 8])
    range.fill(0)
    expect(await (await open()).range('model.bin', 3, 11)).toEqual(content.subarray(3, 11))
  })

  test('may leave room before the bytes of a range', async () => {
    for (const room of [0, 8, 64, 2 ** 21]) {
      const end = 3 + Math.min(room, 8)
      const bytes = await (await open()).range('model.bin', 3, end, room)
      expect(bytes).toEqual(content.subarray(3, end))
      expect(bytes.byteOffset + bytes.length).toBe(bytes.buffer.byteLength)
    }
  })

  test('refuses ranges outside the file and files that are not there', async () => {
    const folder = await open()
    for (const [start, end] of [
      [0, 1001],
      [-1, 5],
      [6, 5],
      [0, Infinity],
      [0, 0.5],
    ] as const) {
      await expect(folder.range('model.bin', start, end)).rejects.toThrow(FileError)
    }
    await expect(folder.bytes('other.bin')).rejects.toThrow(FileError)
    await expect(folder.size('other.bin')).rejects.toThrow(FileError)
  })

  test.each(['../secret', '/etc/passwd', 'a/../../b', '', '.', 'a//b', 'c:\\x', '..\\x', 'a\0b'])(
    'refuses the name %j, which is not one inside the folder',
    async (name) => {
      const folder = await open()
      await expect(folder.bytes(name)).rejects.toThrow(InputError)
    },
  )
})

test('a symbolic link is followed', async () => {
  expect(await (await openFolder(directory)).bytes('link.bin')).toEqual(content)
})

test('a file stands for its folder, and for the weights in it', async () => {
  const folder = await openFolder(path.join(directory, 'model.bin'))
  expect(folder.weightsFile).toBe('model.bin')
  expect(folder.location).toBe(directory)
})

test('a missing folder or file is told with what there is instead', async () => {
  await expect(openFolder(path.join(directory, 'nowhere'))).rejects.toThrow(/Folder not found.*link\.bin, model\.bin/)
  await expect((await openFolder(directory)).bytes('other.bin')).rejects.toThrow(/File not found.*model\.bin/)
  await expect((await openFolder(directory)).bytes('sub')).rejects.toThrow(/The path is not a file.*directory/)
})

test('a server that refuses, sends another range, or is not there is told apart', async () => {
  await expect((await openUrl(urlOf(servers[0]))).bytes('forbidden')).rejects.toThrow(/HTTP 403/)
  await expect((await openUrl(urlOf(servers[2]))).range('model.bin', 0, 10)).rejects.toThrow(
    /expected 10 bytes, found more/,
  )
  const broken = await openUrl('http://example.org', { fetch: () => Promise.reject(new Error('no route')) })
  await expect(broken.has('model.bin')).rejects.toThrow(/can’t be fetched.*no route/)
  await expect(openUrl('not a url')).rejects.toThrow(InputError)
})

test('a server without ranges is asked for a file once', async () => {
  let requests = 0
  const folder = await openUrl(urlOf(servers[1]), {
    fetch: (url, init) => {
      requests += init.method === 'HEAD' ? 0 : 1
      return fetch(url, init)
    },
  })
  for (let start = 0; start < 100; start += 10) await folder.range('model.bin', start, start + 10)
  expect(requests).toBe(1)
})
