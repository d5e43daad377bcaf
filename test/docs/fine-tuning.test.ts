import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { trainingSettings } from '../../src/cli/training-settings.js'
import { groupSettings } from '../../src/training/optimizers/parameter-group.js'
import { fixturePath } from '../fixture.js'
import { codeOf, compile, root } from '../markdown.js'
import { colourSamples } from '../training/colours.js'

const run = promisify(execFile)
const page = 'docs/fine-tuning.md'
const published = 'google/siglip-base-patch16-224'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(root, 'dist', 'fine-tuning-')) // where a program finds the package by its name
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Three shades of each colour to learn from, and one to measure with. */
async function drawImages(): Promise<void> {
  for (const part of ['train', 'test']) {
    const place = path.join(folder, 'images', part)
    await mkdir(place, { recursive: true })
    const samples = colourSamples.filter(({ key }) => key.endsWith('-3') === (part === 'test'))
    const rows = samples.map(async ({ key, open, captions }) => {
      const { data, width, height } = open()
      await sharp(data, { raw: { width, height, channels: 3 } }).toFile(path.join(place, `${key}.png`))
      return JSON.stringify({ file_name: `${key}.png`, text: part === 'train' ? captions : captions.slice(0, 1) })
    })
    await writeFile(path.join(place, 'metadata.jsonl'), (await Promise.all(rows)).join('\n'))
  }
}

/** A command of the page, with the small model in place of the published one. */
async function siglip(line: string): Promise<string> {
  const [npx, name, ...args] = line.trim().replace(published, fixturePath('siglip-tiny')).split(' ')
  expect([npx, name]).toEqual(['npx', 'siglip'])
  const main = path.join(root, 'dist', 'src', 'cli', 'main.js')
  return (await run(process.execPath, [main, ...args], { cwd: folder })).stdout
}

const recallAt1 = (figures: string): number => Number(/image-to-text R@1 {2}(\S+)/.exec(figures)?.[1])

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

it('its groups are settings of the command', async () => {
  const file = path.join(folder, 'groups.yaml')
  await writeFile(file, (await codeOf(page, 'yaml'))[1] ?? '')
  const { groups } = await trainingSettings({}, file)
  const of = (name: string) => groupSettings(name, groups, { weightDecay: 0.1 })
  expect(of('logit_scale')).toEqual({ learningRate: 5, weightDecay: 0.1, frozen: false })
  expect(of('text_model.embeddings.token_embedding.weight').weightDecay).toBe(0)
  expect(of('vision_model.encoder.layers.5.mlp.fc1.weight').frozen).toBe(true)
  expect(of('vision_model.encoder.layers.6.mlp.fc1.weight').frozen).toBe(false)
})

it('leads from a folder of images to a model that answers', async () => {
  await drawImages()
  const [settings = ''] = await codeOf(page, 'yaml')
  await writeFile(
    path.join(folder, 'train.yaml'),
    settings.replace(published, fixturePath('siglip-tiny')).replace('1e-4', '2e-3'),
  )
  const commands = await codeOf(page, 'sh')
  expect(commands).toHaveLength(3)
  const [before = '', trained = '', after = ''] = commands
  const known = recallAt1(await siglip(before))
  await siglip(trained)
  expect(recallAt1(await siglip(after))).toBeGreaterThan(Math.max(known, 0.6))

  const [code = ''] = await codeOf(page, 'ts')
  await writeFile(path.join(folder, 'serve.mts'), code)
  expect(compile([path.join(folder, 'serve.mts')], folder)).toEqual([])
  const port = await freePort()
  const server = spawn(process.execPath, ['serve.mjs'], { cwd: folder, env: { ...process.env, PORT: String(port) } })
  try {
    await once(server.stdout, 'data') // it listens
    const ask = async (body: Uint8Array<ArrayBuffer>) => fetch(`http://localhost:${port}`, { method: 'POST', body })
    const image = new Uint8Array(await readFile(path.join(folder, 'images', 'test', 'red-3.png')))
    const scores = (await (await ask(image)).json()) as readonly { readonly label: string }[]
    expect(scores.map(({ label }) => label)).toEqual(['red', expect.any(String), expect.any(String)])
    const refused = await ask(Uint8Array.of(1, 2, 3))
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('ImageError')])
  } finally {
    server.kill()
    await once(server, 'close')
  }
})
