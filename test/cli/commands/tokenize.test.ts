import { readFileSync } from 'node:fs'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fixture, jsonLines, model, siglip } from '../siglip.js'

interface Row {
  readonly text: string
  readonly tokens: readonly string[]
  readonly input_ids: readonly number[]
  readonly padded16: readonly number[]
}
const vectors = JSON.parse(readFileSync(fixture('tokenizer', 'vectors.json'), 'utf8')) as { rows: readonly Row[] }
const rows = vectors.rows.filter(({ text }) => !text.includes('\0')) // which no argument can hold
const texts = rows.map(({ text }) => text)
/** A tokenizer without a model. */
const alone = fixture('tokenizer')

describe('siglip tokenize', () => {
  it('gives the tokens and ids of transformers, as long as the model takes', async () => {
    const { code, stdout, stderr } = await siglip(['tokenize', '--json', '--', ...texts])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(jsonLines(stdout)).toEqual(rows.map(({ text, tokens, padded16 }) => ({ text, tokens, ids: padded16 })))
    expect(stdout).toMatch(/^\{"text":"[^"]*","tokens":\[[^\]]*\],"ids":\[/)
  })

  it('takes a folder with the tokenizer alone, whose own length counts then', async () => {
    const { stdout } = await siglip(['tokenize', 'a cat', '--model', alone, '--json'])
    expect((jsonLines(stdout) as { ids: number[] }[]).map(({ ids }) => ids.length)).toEqual([64])
  })

  it('pads to the length given, or not at all, but always cuts to it', async () => {
    const of = (args: string[]) => siglip(['tokenize', 'a photo of 2 cats', '--json', ...args])
    const outcomes = await Promise.all([
      of(['--max-length', '12']),
      of(['--no-padding']),
      of(['--no-padding', '--max-length', '4']),
    ])
    expect(outcomes.flatMap(({ stdout }) => (jsonLines(stdout) as { ids: number[] }[]).map(({ ids }) => ids))).toEqual([
      [3, 24, 14, 7, 5, 992, 16, 4, 1, 1, 1, 1],
      [3, 24, 14, 7, 5, 992, 16, 4, 1],
      [3, 24, 14, 1],
    ])
  })

  it('prints tokens and ids for a reader', async () => {
    const { stdout } = await siglip(['tokenize', 'a\u001b photo', '--no-padding'])
    expect(stdout).toMatch(/^a\\u001b photo\n {2}tokens {2}▁a .*\n {2}ids {5}3 .* 1\n$/)
  })

  it('loads no tensor library', async () => {
    const loaded = async (args: string[]) => (await siglip(args, { env: { NODE_DEBUG: 'esm,module' } })).stderr
    const [tokenize, inspect, help, embed] = await Promise.all([
      loaded(['tokenize', 'a']),
      loaded(['inspect', model]),
      loaded(['--help']),
      loaded(['embed', '--text', 'a', '--backend', 'wasm']),
    ])
    expect(embed).toMatch(/@tensorflow.tfjs/) // so it would be seen
    for (const modules of [tokenize, inspect, help]) {
      expect(modules).toMatch(/commander/)
      expect(modules).not.toMatch(/@tensorflow/)
    }
  })

  describe('says in one line what is wrong', () => {
    let folder = ''
    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'siglip-cli-'))
      await copyFile(path.join(alone, 'spiece.model'), path.join(folder, 'spiece.model'))
      await writeFile(path.join(folder, 'config.json'), '{"text_config":{"max_position_embeddings":-3}}')
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))

    it.each<[string, () => string[], number, RegExp]>([
      ['no text', () => [], 2, /missing required argument 'text'/],
      ['no length', () => ['a', '--max-length', '0'], 2, /whole number from 1/],
      ['too great a length', () => ['a', '--max-length', '99999999999'], 2, /whole number from 1/],
      ['a folder without tokenizer', () => ['a', '--model', fixture('images')], 1, /no tokenizer/],
      [
        'a configuration without sense',
        () => ['a', '--model', folder],
        1,
        /max_position_embeddings.*found -3.*config\.json/,
      ],
    ])('%s', async (_, args, expectedCode, message) => {
      const { code, stdout, stderr } = await siglip(['tokenize', ...args()])
      expect(stdout).toBe('')
      expect(stderr).toMatch(/^siglip: [^\n]*\n$/)
      expect(stderr).toMatch(message)
      expect(code).toBe(expectedCode)
    })
  })
})
