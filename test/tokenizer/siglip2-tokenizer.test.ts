import { readFileSync } from 'node:fs'
import { FileError, TokenizerError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { Siglip2Tokenizer } from '../../src/tokenizer/siglip2-tokenizer.js'
import { fixture, reference, rowOf } from './reference-vectors.js'

interface Vectors {
  readonly rows: readonly {
    readonly text: string
    readonly tokens: string[]
    readonly input_ids: number[]
    readonly padded16: number[]
    readonly padded16_mask: number[]
    readonly decoded: string
  }[]
}

const folder = 'test/fixtures/tokenizer-siglip2'
const vectors = JSON.parse(readFileSync(`${folder}/vectors.json`, 'utf8')) as Vectors

describe('Siglip2Tokenizer beside transformers', () => {
  let tokenizer: Siglip2Tokenizer
  beforeAll(async () => {
    tokenizer = await Siglip2Tokenizer.fromPretrained(folder)
  })

  test.each(vectors.rows)('encodes and decodes $text', (row) => {
    expect(tokenizer.tokenize(row.text)).toEqual(row.tokens)
    expect(tokenizer.encode(row.text)).toEqual(row.input_ids)
    expect(tokenizer.decode(row.input_ids, { skipSpecialTokens: true })).toBe(row.decoded)
    const padded = tokenizer.call(row.text, { padding: 'max_length', truncation: true, maxLength: 16 })
    expect(padded.inputIds.shape).toEqual([1, 16])
    expect(Array.from(padded.inputIds.data)).toEqual(row.padded16)
    expect(Array.from(padded.attentionMask!.data)).toEqual(row.padded16_mask)
  })

  test.each(reference.siglip2)('treats the hard text $text alike', (row) => {
    expect(rowOf(tokenizer, row)).toEqual(row)
  })

  test('has the special tokens of the reference', () => {
    expect(tokenizer.allSpecialTokens).toEqual(['<bos>', '<eos>', '<unk>', '<pad>', '<mask>'])
    expect(tokenizer.allSpecialIds).toEqual([2, 1, 3, 0, 4])
    expect([tokenizer.vocabSize, tokenizer.length, tokenizer.paddingSide]).toEqual([1200, 1200, 'left'])
  })

  test('saves what it was loaded from', () => {
    const files = tokenizer.toFiles()
    expect(Buffer.compare(files.get('tokenizer.json')!, fixture('tokenizer-siglip2/tokenizer.json'))).toBe(0)
    expect(JSON.parse(new TextDecoder().decode(files.get('tokenizer_config.json')))).toMatchObject(
      JSON.parse(readFileSync(`${folder}/tokenizer_config.json`, 'utf8')) as object,
    )
  })
})

describe('Siglip2Tokenizer from a damaged file', () => {
  const text = readFileSync(`${folder}/tokenizer.json`, 'utf8')
  const load = (json: string) => () => Siglip2Tokenizer.fromTokenizerJson(new TextEncoder().encode(json))

  test('none at all', async () => {
    await expect(Siglip2Tokenizer.fromPretrained(new MemoryFolder(new Map()))).rejects.toThrow(FileError)
  })

  test.each([
    ['nothing', ''],
    ['another value', '[]'],
    ['the first half', text.slice(0, text.length / 2)],
    ['no model', '{}'],
    ['no vocabulary', '{"model":{"type":"BPE","merges":[]}}'],
    ['a gap in the ids', '{"model":{"type":"BPE","vocab":{"<unk>":2000000000},"merges":[]}}'],
    ['an id that is none', '{"model":{"type":"BPE","vocab":{"<unk>":-1},"merges":[]}}'],
    ['no unknown token', '{"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}'],
    ['a merge of strangers', '{"model":{"type":"BPE","vocab":{"<unk>":0,"a":1},"merges":["a b"]}}'],
    ['a merge of one', '{"model":{"type":"BPE","vocab":{"<unk>":0,"a":1},"merges":["a"]}}'],
    ['a merge of three', '{"model":{"type":"BPE","vocab":{"<unk>":0,"a":1,"aa":2},"merges":[["a","a","a"]]}}'],
    ['a post-processor of another kind', text.replace('"TemplateProcessing"', '"BertProcessing"')],
    ['levels without end', `{"x":${'['.repeat(1e6)}`],
  ])('%s is a TokenizerError', (_, json) => {
    expect(load(json)).toThrow(TokenizerError)
  })

  test('sides come from the file where nothing else says', () => {
    const sided = text
      .replace('"padding": null', '"padding": { "direction": "Right", "strategy": { "Fixed": 64 } }')
      .replace('"truncation": null', '"truncation": { "direction": "Left", "max_length": 64 }')
    const tokenizer = load(sided)()
    expect([tokenizer.paddingSide, tokenizer.truncationSide]).toEqual(['right', 'left'])
    const overridden = Siglip2Tokenizer.fromTokenizerJson(new TextEncoder().encode(sided), { paddingSide: 'left' })
    expect([overridden.paddingSide, overridden.truncationSide]).toEqual(['left', 'left'])
  })

  test('older files write merges with a space between', () => {
    const older = text.replace(/\[\s*("(?:[^"\\]|\\.)*"),\s*("(?:[^"\\]|\\.)*")\s*\]/g, (_, a: string, b: string) =>
      JSON.stringify(`${String(JSON.parse(a))} ${String(JSON.parse(b))}`),
    )
    expect(older).not.toBe(text)
    const tokenizer = load(older)()
    for (const row of vectors.rows) expect(tokenizer.encode(row.text)).toEqual(row.input_ids)
  })
})
