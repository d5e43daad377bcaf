import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { HubServer, modelOf } from '../hub/hub-server.js'
import { fixture, siglip, type Outcome } from './siglip.js'

const ID = 'owner/tiny'
const V2 = 'b'.repeat(40)
const image = fixture('images', 'chelsea.png')

let home: string
beforeAll(async () => {
  const hub = await HubServer.start()
  const model = await modelOf(fixture('siglip-tiny'), 'a'.repeat(40))
  hub.models.set(ID, { ...model, refs: { ...model.refs, v2: V2 } })
  home = await mkdtemp(path.join(tmpdir(), 'siglip-revision-'))
  const env = { HF_ENDPOINT: hub.url, HF_HOME: home, HF_HUB_CACHE: '', HF_TOKEN: '' }
  const { code, stderr } = await siglip(['download', `${ID}@v2`], { env })
  hub.close()
  expect({ code, stderr }).toMatchObject({ code: 0 })
})
afterAll(() => rm(home, { recursive: true }))

/** Without a connection, after the download of v2 alone. */
const offline = (...args: string[]): Promise<Outcome> =>
  siglip(args, { env: { HF_HOME: home, HF_HUB_CACHE: '', HF_HUB_OFFLINE: '1', SIGLIP_MODEL: '' } })

describe('a revision that was downloaded', () => {
  it.each([
    ['--model', `${ID}@v2`],
    ['--model', ID, '--revision', 'v2'],
    ['--model', ID, '--revision', V2],
    ['--model', `${ID}@v2`, '--revision', 'v2'],
  ])('is taken offline by %s %s %s %s', async (...options) => {
    const { code, stdout } = await offline(
      'classify',
      image,
      '--labels',
      'cat,dog',
      '--json',
      ...options.filter(Boolean),
    )
    expect({ code, scores: /"scores":\[\{"label"/.test(stdout) }).toEqual({ code: 0, scores: true })
  })

  it.each<[string, readonly string[]]>([
    ['classify', [image, '--labels', 'cat', '--model', ID]],
    ['search', ['a cat', image, '--model', ID]],
    ['embed', ['--text', 'a cat', '--model', ID]],
    ['tokenize', ['a cat', '--model', ID]],
    ['inspect', [ID]],
    ['convert', [ID, '{out}/converted', '--to', 'timm']],
    ['eval', [fixture('emoji'), '--model', ID]],
    ['train', [fixture('emoji'), '--steps', '1', '--out', '{out}/run', '--model', ID]],
    ['export', [ID, '{out}/exported', '--to', 'onnx']],
  ])('is an option of %s', async (command, args) => {
    const given = args.map((arg) => arg.replace('{out}', home))
    const without = await offline(command, ...given)
    expect(without.code).not.toBe(0)
    const { stderr } = await offline(command, ...given, '--revision', 'v2')
    expect(stderr).not.toMatch(/unknown option|not in the cache|revision main/)
  })

  it('is no other one, and not one of a folder', async () => {
    const other = await offline('tokenize', 'a cat', '--model', ID, '--revision', 'v3')
    expect(other).toMatchObject({ code: 1, stdout: '' })
    expect(other.stderr).toMatch(/revision v3/)
    const two = await offline('tokenize', 'a cat', '--model', `${ID}@v2`, '--revision', 'v3')
    expect(two.stderr).toMatch(/Two revisions of one model.*v2 in the name, v3/)
    const folder = await offline('tokenize', 'a cat', '--model', fixture('siglip-tiny'), '--revision', 'v2')
    expect(folder).toMatchObject({ code: 2, stdout: '' })
    expect(folder.stderr).toMatch(/Only models on the hub have revisions/)
  })
})
