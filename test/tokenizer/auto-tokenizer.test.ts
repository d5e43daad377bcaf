import { FileError, TokenizerError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { AutoTokenizer } from '../../src/tokenizer/auto-tokenizer.js'
import { Siglip2Tokenizer } from '../../src/tokenizer/siglip2-tokenizer.js'
import { SiglipTokenizer } from '../../src/tokenizer/siglip-tokenizer.js'
import { fixture } from './reference-vectors.js'

const folder = (files: Readonly<Record<string, Uint8Array>>) => new MemoryFolder(new Map(Object.entries(files)))
const config = (name: string) => new TextEncoder().encode(JSON.stringify({ tokenizer_class: name }))
const bpe = fixture('tokenizer-siglip2/tokenizer.json')
const unigram = fixture('tokenizer/spiece.model')

/** A folder's files where `tokenizer_config.json` names a class. */
const named = (name: string, files: Readonly<Record<string, Uint8Array>>) => ({
  ...files,
  'tokenizer_config.json': config(name),
})
const [ofBpe, ofUnigram] = [{ 'tokenizer.json': bpe }, { 'spiece.model': unigram }]

test.each<[string, Readonly<Record<string, Uint8Array>>, object]>([
  ['spiece.model', ofUnigram, SiglipTokenizer],
  ['tokenizer.json', ofBpe, Siglip2Tokenizer],
  ['Siglip2Tokenizer', named('Siglip2Tokenizer', ofBpe), Siglip2Tokenizer],
  ['GemmaTokenizer', named('GemmaTokenizer', ofBpe), Siglip2Tokenizer],
  ['Siglip2TokenizerFast', named('Siglip2TokenizerFast', ofBpe), Siglip2Tokenizer],
  ['SiglipTokenizerFast', named('SiglipTokenizerFast', ofUnigram), SiglipTokenizer],
  ['GemmaTokenizerFast', named('GemmaTokenizerFast', ofBpe), Siglip2Tokenizer],
  ['a generic class', named('PreTrainedTokenizerFast', ofBpe), Siglip2Tokenizer],
  ['both files', named('SiglipTokenizer', { ...ofBpe, ...ofUnigram }), SiglipTokenizer],
])('%s picks the class', async (_, files, expected) => {
  expect(await AutoTokenizer.fromPretrained(folder(files))).toBeInstanceOf(expected)
})

test('no tokenizer is a FileError, another model’s a TokenizerError', async () => {
  await expect(AutoTokenizer.fromPretrained(folder({}))).rejects.toThrow(FileError)
  const bert = folder({ 'tokenizer.json': bpe, 'tokenizer_config.json': config('BertTokenizer') })
  await expect(AutoTokenizer.fromPretrained(bert)).rejects.toThrow(TokenizerError)
  await expect(AutoTokenizer.fromPretrained(bert)).rejects.toThrow('BertTokenizer')
})
