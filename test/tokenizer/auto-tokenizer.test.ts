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

test.each([
  ['spiece.model', { 'spiece.model': unigram }, SiglipTokenizer],
  ['tokenizer.json', { 'tokenizer.json': bpe }, Siglip2Tokenizer],
  [
    'Siglip2Tokenizer',
    { 'tokenizer.json': bpe, 'tokenizer_config.json': config('Siglip2Tokenizer') },
    Siglip2Tokenizer,
  ],
  ['GemmaTokenizer', { 'tokenizer.json': bpe, 'tokenizer_config.json': config('GemmaTokenizer') }, Siglip2Tokenizer],
  [
    'Siglip2TokenizerFast',
    { 'tokenizer.json': bpe, 'tokenizer_config.json': config('Siglip2TokenizerFast') },
    Siglip2Tokenizer,
  ],
  [
    'SiglipTokenizerFast',
    { 'spiece.model': unigram, 'tokenizer_config.json': config('SiglipTokenizerFast') },
    SiglipTokenizer,
  ],
  [
    'GemmaTokenizerFast',
    { 'tokenizer.json': bpe, 'tokenizer_config.json': config('GemmaTokenizerFast') },
    Siglip2Tokenizer,
  ],
  [
    'a generic class',
    { 'tokenizer.json': bpe, 'tokenizer_config.json': config('PreTrainedTokenizerFast') },
    Siglip2Tokenizer,
  ],
  [
    'both files',
    { 'tokenizer.json': bpe, 'spiece.model': unigram, 'tokenizer_config.json': config('SiglipTokenizer') },
    SiglipTokenizer,
  ],
])('%s picks the class', async (_, files, expected) => {
  expect(await AutoTokenizer.fromPretrained(folder(files))).toBeInstanceOf(expected)
})

test('no tokenizer is a FileError, another model’s a TokenizerError', async () => {
  await expect(AutoTokenizer.fromPretrained(folder({}))).rejects.toThrow(FileError)
  const bert = folder({ 'tokenizer.json': bpe, 'tokenizer_config.json': config('BertTokenizer') })
  await expect(AutoTokenizer.fromPretrained(bert)).rejects.toThrow(TokenizerError)
  await expect(AutoTokenizer.fromPretrained(bert)).rejects.toThrow('BertTokenizer')
})
