import { readFileSync } from 'node:fs'
import { TokenizerError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { AutoTokenizer } from '../../../src/tokenizer/auto-tokenizer.js'
import { cleanText, type Cleaning } from '../../../src/tokenizer/clean/clean-text.js'

const fixtures = 'test/fixtures'
const { texts, clean, mojibake, cases } = JSON.parse(
  readFileSync(`${fixtures}/open-clip-tokenizer/vectors.json`, 'utf8'),
) as {
  readonly texts: readonly string[]
  readonly clean: Readonly<Record<Cleaning, readonly string[]>>
  readonly mojibake: readonly string[]
  readonly cases: readonly {
    readonly tokenizer: keyof typeof sources
    readonly text_cfg: object
    readonly ids: readonly number[][]
  }[]
}
const sources = {
  t5: ['open-clip-tokenizer/t5', ['tokenizer.json', 'tokenizer_config.json']],
  siglip2: ['tokenizer-siglip2', ['tokenizer.json', 'tokenizer_config.json']],
  siglip: ['siglip-tiny', ['spiece.model', 'tokenizer_config.json']],
} as const
const encode = (json: object): Uint8Array => new TextEncoder().encode(JSON.stringify(json))

function folderOf(
  kind: keyof typeof sources,
  text_cfg: object,
  more: Readonly<Record<string, object>> = {},
): MemoryFolder {
  const [place, names] = sources[kind]
  const own = names.map((name) => [name, readFileSync(`${fixtures}/${place}/${name}`)] as const)
  const others = Object.entries({ 'open_clip_config.json': { model_cfg: { text_cfg } }, ...more })
  return new MemoryFolder(new Map([...own, ...others.map(([name, json]) => [name, encode(json)] as const)]))
}

test.each(['canonicalize', 'lower', 'whitespace'] as const)('texts are cleaned as by open_clip’s %s', (name) => {
  for (const [i, text] of texts.entries()) expect([text, cleanText(text, name)]).toEqual([text, clean[name][i]])
})

test('what open_clip would mend and this package doesn’t is refused, not passed on', () => {
  expect(mojibake.length).toBeGreaterThan(2)
  for (const text of mojibake) {
    expect(() => cleanText(text, 'lower')).toThrow(TokenizerError)
    expect(() => cleanText(text, 'lower')).toThrow(/wrong encoding/)
  }
  expect(() => cleanText('caf&eacute;', 'lower')).toThrow(/name of HTML.*&eacute;/)
  expect(() => cleanText('a&copyright', 'lower')).toThrow(/name of HTML/)
  expect(() => cleanText('fish&chips; yes', 'lower')).toThrow(/name of HTML.*&chips;/)
})

test.each(cases.map((each) => [each.tokenizer, JSON.stringify(each.text_cfg), each] as const))(
  'ids of a folder of open_clip are its own: %s, %s',
  async (kind, _, { text_cfg, ids }) => {
    const tokenizer = await AutoTokenizer.fromPretrained(folderOf(kind, text_cfg))
    const options = { padding: 'max_length', truncation: true } as const
    for (const [i, text] of texts.entries()) expect([text, tokenizer.encode(text, options)]).toEqual([text, ids[i]])
    const saved = await AutoTokenizer.fromPretrained(new MemoryFolder(tokenizer.toFiles()))
    for (const text of texts) expect(saved.encode(text, options)).toEqual(tokenizer.encode(text, options))
  },
)

test.each<[string, object, RegExp]>([
  ['clean', { tokenizer_kwargs: { clean: 'stem' } }, /expected clean: canonicalize, lower, whitespace, found "stem"/],
  ['strip_sep_token', { tokenizer_kwargs: { strip_sep_token: true } }, /strip_sep_token/],
  ['language', { tokenizer_kwargs: { language: 'fra_Latn' } }, /language/],
  ['an option', { tokenizer_kwargs: { split_on_punctuation: 2 } }, /split_on_punctuation/],
  ['tokenizer_mode', { tokenizer_mode: 'clips' }, /tokenizer_mode/],
  ['CLIP’s own tokenizer', { hf_tokenizer_name: '' }, /hf_tokenizer_name/],
  ['context_length', { context_length: 0 }, /context_length/],
])('%s that is not done is refused by name', async (_, given, message) => {
  const folder = folderOf('siglip2', { hf_tokenizer_name: 'x', ...given })
  await expect(AutoTokenizer.fromPretrained(folder)).rejects.toThrow(TokenizerError)
  await expect(AutoTokenizer.fromPretrained(folder)).rejects.toThrow(message)
})

test('Gemma’s class with its case kept is refused, and with lower case the same as SigLIP 2’s', async () => {
  const gemma = { 'tokenizer_config.json': { tokenizer_class: 'GemmaTokenizerFast' } }
  const of = (cleaning: string) => ({
    hf_tokenizer_name: 'x',
    context_length: 12,
    tokenizer_kwargs: { clean: cleaning },
  })
  await expect(AutoTokenizer.fromPretrained(folderOf('siglip2', of('whitespace'), gemma))).rejects.toThrow(/lower case/)
  const [one, other] = [{}, gemma].map((more) => AutoTokenizer.fromPretrained(folderOf('siglip2', of('lower'), more)))
  for (const text of texts) expect((await one!).encode(text)).toEqual((await other!).encode(text))
})

test('a folder of transformers is not read by open_clip’s file beside it, and T5’s class is another model’s there', async () => {
  const transformers = { 'config.json': { model_type: 'siglip' } }
  const tokenizer = await AutoTokenizer.fromPretrained(
    folderOf('siglip2', { hf_tokenizer_name: 'x', tokenizer_kwargs: { clean: 'canonicalize' } }, transformers),
  )
  expect(tokenizer.encode('a cat.')).not.toEqual(tokenizer.encode('a cat'))
  await expect(AutoTokenizer.fromPretrained(folderOf('t5', {}, transformers))).rejects.toThrow(/T5Tokenizer/)
})
