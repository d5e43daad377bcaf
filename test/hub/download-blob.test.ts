import { existsSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { HubError } from '../../src/errors.js'
import { downloadBlob } from '../../src/hub/download-blob.js'
import type { HubConnection } from '../../src/hub/hub-request.js'
import { sha256 } from './hub-server.js'

const content = Uint8Array.from({ length: 5000 }, (_, i) => i % 256)
let requests = 0
const connection: HubConnection = {
  endpoint: 'http://hub.test',
  token: undefined,
  signal: undefined,
  timeout: 1000,
  retryDelay: 1,
  fetch: () => {
    requests++
    return Promise.resolve(new Response(content))
  },
}

let folder: string
beforeEach(async () => {
  requests = 0
  folder = await mkdtemp(path.join(tmpdir(), 'siglip-blob-'))
})
afterEach(() => rm(folder, { recursive: true }))

const download = (size: number): Promise<void> => {
  const etag = sha256(content)
  const url = 'http://hub.test/owner/name/resolve/main/file'
  return downloadBlob(connection, { url, blob: path.join(folder, etag), etag, size, onBytes: () => undefined })
}

test('what the disk has no room for is not begun', async () => {
  await expect(download(1e17)).rejects.toThrow(/not enough space.*expected 100000000000000000 bytes free.*HF_HUB_CACHE/)
  expect(requests).toBe(0)
})

// Linux has a file that is always full.
;(existsSync('/dev/full') ? test : test.skip)('a disk that fills up on the way is told', async () => {
  await symlink('/dev/full', path.join(folder, `${sha256(content)}.incomplete`))
  const error = await download(content.length).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(HubError)
  expect(error).toMatchObject({ found: 'ENOSPC', hint: expect.stringContaining('siglip cache prune') as unknown })
})
