import { readFileSync } from 'node:fs'
import { Siglip2Tokenizer } from '../../src/tokenizer/siglip2-tokenizer.js'

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
})
