import { readFileSync } from 'node:fs'
import { SiglipTokenizer } from '../../src/tokenizer/siglip-tokenizer.js'

interface Vectors {
  readonly vocab_size: number
  readonly rows: readonly {
    readonly text: string
    readonly tokens: string[]
    readonly input_ids: number[]
    readonly padded16: number[]
    readonly padded16_mask: number[]
    readonly decoded: string
    readonly no_special: number[]
  }[]
  readonly pair: {
    readonly a: string
    readonly b: string
    readonly input_ids: number[]
    readonly build_inputs_with_special_tokens: number[][]
    readonly get_special_tokens_mask: number[][]
    readonly create_token_type_ids_from_sequences: number[][]
  }
}

const folder = 'test/fixtures/tokenizer'
const model = readFileSync(`${folder}/spiece.model`)
const vectors = JSON.parse(readFileSync(`${folder}/vectors.json`, 'utf8')) as Vectors
const tokenizer = SiglipTokenizer.fromSentencePiece(model)

describe('SiglipTokenizer beside transformers', () => {
  test.each(vectors.rows)('encodes and decodes $text', (row) => {
    expect(tokenizer.tokenize(row.text)).toEqual(row.tokens)
    expect(tokenizer.encode(row.text)).toEqual(row.input_ids)
    expect(tokenizer.encode(row.text, { addSpecialTokens: false })).toEqual(row.no_special)
    expect(tokenizer.decode(row.input_ids, { skipSpecialTokens: true })).toBe(row.decoded)
    const padded = tokenizer.call(row.text, { padding: 'max_length', truncation: true, maxLength: 16 })
    expect(padded.inputIds.shape).toEqual([1, 16])
    expect(Array.from(padded.inputIds.data)).toEqual(row.padded16)
    expect(Array.from(padded.attentionMask!.data)).toEqual(row.padded16_mask)
  })

  test('has the same vocabulary and special tokens', () => {
    expect(tokenizer.vocabSize).toBe(vectors.vocab_size)
  })

  test('frames pairs', () => {
    const { pair } = vectors
    expect(tokenizer.encode(pair.a, { textPair: pair.b })).toEqual(pair.input_ids)
    const [single, both] = pair.build_inputs_with_special_tokens
    expect(tokenizer.buildInputsWithSpecialTokens([5, 6])).toEqual(single)
    expect(tokenizer.buildInputsWithSpecialTokens([5, 6], [7])).toEqual(both)
    expect([tokenizer.getSpecialTokensMask([5, 6]), tokenizer.getSpecialTokensMask([5, 6], [7])]).toEqual(
      pair.get_special_tokens_mask,
    )
    expect([
      tokenizer.createTokenTypeIdsFromSequences([5, 6]),
      tokenizer.createTokenTypeIdsFromSequences([5, 6], [7]),
    ]).toEqual(pair.create_token_type_ids_from_sequences)
  })
})
