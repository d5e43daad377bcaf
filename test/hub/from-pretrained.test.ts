import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { HubError } from '../../src/errors.js'
import type { DownloadProgress } from '../../src/hub/hub-options.js'
import { AutoModel } from '../../src/models/auto/auto-model.js'
import { SiglipModel } from '../../src/models/siglip/modeling.js'
import { AutoProcessor } from '../../src/processor/auto-processor.js'
import { fixturePath } from '../fixture.js'
import { HubServer, modelOf } from './hub-server.js'

const id = 'owner/siglip-tiny'
let hub: HubServer
let cacheDir: string

beforeAll(async () => {
  hub = await HubServer.start()
  hub.models.set(id, await modelOf(fixturePath('siglip-tiny'), '0123456789abcdef0123456789abcdef01234567'))
  cacheDir = await mkdtemp(path.join(tmpdir(), 'siglip-hub-'))
})
afterAll(async () => {
  hub.close()
  await rm(cacheDir, { recursive: true })
})

it('a model and its processor load by their name, and again without a network', async () => {
  const options = { endpoint: hub.url, cacheDir, token: false, localFilesOnly: false, retryDelay: 5 }
  const files = new Set<string>()
  const onDownload = ({ file }: DownloadProgress): void => void files.add(file)
  const model = await SiglipModel.fromPretrained(id, { ...options, onDownload })
  const processor = await AutoProcessor.fromPretrained(id, options)
  expect([...files].sort()).toEqual(['config.json', 'model.safetensors'])

  const asked = hub.requests.length
  const offline = { ...options, localFilesOnly: true }
  const again = await AutoModel.fromPretrained(id, offline)
  const inputs = (await AutoProcessor.fromPretrained(id, offline)).call({ text: 'a cat' }, { maxLength: 16 })
  expect(await inputs).toEqual(await processor.call({ text: 'a cat' }, { maxLength: 16 }))
  expect(hub.requests.length).toBe(asked)
  expect(again).toBeInstanceOf(SiglipModel)
  for (const [name, variable] of model.namedParameters()) {
    const other = again.namedParameters().get(name)
    expect(other && tf.tidy(() => tf.max(tf.abs(tf.sub(other, variable))).arraySync())).toBe(0)
  }
  model.dispose()
  again.dispose()
})

it('a revision that there isn’t is an error of the hub', async () => {
  const loading = SiglipModel.fromPretrained(id, { endpoint: hub.url, cacheDir, token: false, revision: 'no-such' })
  await expect(loading).rejects.toThrow(HubError)
})
