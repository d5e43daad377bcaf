import { InputError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { addedToken } from '../../src/tokenizer/added-token.js'
import type { BatchOptions } from '../../src/tokenizer/encoding-options.js'
import type { PreTrainedTokenizer } from '../../src/tokenizer/pretrained-tokenizer.js'
import { Siglip2Tokenizer } from '../../src/tokenizer/siglip2-tokenizer.js'
import { SiglipTokenizer } from '../../src/tokenizer/siglip-tokenizer.js'
import { type AddedTokenJson, type Call, catchWarnings, fixture, reference, rowOf } from './reference-vectors.js'

const make = {
  siglip: (): PreTrainedTokenizer => SiglipTokenizer.fromSentencePiece(fixture('tokenizer/spiece.model')),
  siglip2: (): PreTrainedTokenizer => Siglip2Tokenizer.fromTokenizerJson(fixture('tokenizer-siglip2/tokenizer.json')),
}
const both = ['siglip', 'siglip2'] as const

let warnings: jest.SpyInstance
beforeEach(() => {
  warnings = catchWarnings()
})
afterEach(() => {
  warnings.mockRestore()
})

describe('options', () => {
  const tokenizers = { siglip: make.siglip(), siglip2: make.siglip2() }

  const optionsOf = ({ options: o, pair, truncation_side }: Call): BatchOptions => ({
    ...(pair && { textPair: pair }),
    truncationSide: truncation_side,
    padding: o.padding as BatchOptions['padding'],
    truncation: o.truncation as BatchOptions['truncation'],
    maxLength: o.max_length as number | undefined,
    padToMultipleOf: o.pad_to_multiple_of as number | undefined,
    paddingSide: o.padding_side as BatchOptions['paddingSide'],
    addSpecialTokens: o.add_special_tokens as boolean | undefined,
    returnSpecialTokensMask: o.return_special_tokens_mask as boolean | undefined,
  })

  test.each(
    reference.options.map((call, i) => [`${i} ${call.tokenizer} ${JSON.stringify(call.options)}`, call] as const),
  )('as in transformers: %s', (_, call) => {
    const run = () => tokenizers[call.tokenizer].call(call.text, optionsOf(call))
    const { result } = call
    const rows = result?.input_ids
    if (!result || !rows || rows.some((row) => row.length !== rows[0]?.length)) {
      expect(run).toThrow(InputError)
      return
    }
    const encoding = run()
    expect(encoding.inputIds.shape).toEqual([rows.length, rows[0]?.length])
    expect(Array.from(encoding.inputIds.data)).toEqual(rows.flat())
    expect(Array.from(encoding.attentionMask!.data)).toEqual(result.attention_mask?.flat())
    expect(encoding.specialTokensMask && Array.from(encoding.specialTokensMask.data)).toEqual(
      result.special_tokens_mask?.flat(),
    )
  })

  test('rows of different lengths say how to make them equal', () => {
    expect(() => tokenizers.siglip.call(['a', 'a photo of a cat'])).toThrow(
      /different numbers of tokens.*padding.*truncation/,
    )
  })

  test.each([
    ['no text', [], {}],
    ['a length of zero', 'a', { maxLength: 0 }],
    ['a broken length', 'a', { maxLength: 1.5 }],
    ['an unknown padding', 'a', { padding: 'max' as 'max_length' }],
    ['an unknown truncation', 'a', { truncation: 'last' as 'only_first' }],
    ['an unknown side', 'a', { paddingSide: 'top' as 'left' }],
    ['too few pairs', ['a', 'b'], { textPair: ['a'] }],
    ['a pair of another kind', ['a'], { textPair: 'a' }],
    ['a text that is none', [3 as unknown as string], {}],
    ['no text at all', undefined as unknown as string, {}],
    ['an enormous array', 'a', { padding: 'max_length' as const, maxLength: 2 ** 40 }],
  ])('%s is an InputError', (_, text, options) => {
    expect(() => tokenizers.siglip.call(text, options)).toThrow(InputError)
    expect(() => tokenizers.siglip2.call(text, options)).toThrow(InputError)
  })

  test('an attention mask comes by modelInputNames or by request', () => {
    const bytes = fixture('tokenizer/spiece.model')
    const tokenizer = SiglipTokenizer.fromSentencePiece(bytes, { modelInputNames: ['input_ids'] })
    expect(tokenizer.call('a cat').attentionMask).toBeUndefined()
    expect(tokenizer.call('a cat', { returnAttentionMask: true }).attentionMask?.data).toEqual(
      new Int32Array([1, 1, 1]),
    )
    expect(tokenizer.call('a cat', { returnTokenTypeIds: true }).tokenTypeIds?.data).toEqual(new Int32Array(3))
  })

  test('a text that is too long warns once', () => {
    const tokenizer = make.siglip()
    tokenizer.encode('cat '.repeat(100))
    tokenizer.encode('cat '.repeat(100))
    expect(warnings).toHaveBeenCalledTimes(1)
    expect(tokenizer.encode('cat '.repeat(100), { truncation: true })).toHaveLength(64)
  })
})

describe('added tokens', () => {
  const given = (token: AddedTokenJson) => ({
    content: token.content,
    ...(token.single_word !== undefined && { singleWord: token.single_word }),
    ...(token.lstrip !== undefined && { lstrip: token.lstrip }),
    ...(token.rstrip !== undefined && { rstrip: token.rstrip }),
    ...(token.normalized !== undefined && { normalized: token.normalized }),
    ...(token.special !== undefined && { special: token.special }),
  })

  describe.each(both)('of %s', (name) => {
    const expected = reference.added[name]
    const tokenizer = make[name]()
    const count = tokenizer.addTokens(reference.added.tokens.map(given))

    test('are counted and kept as in transformers', () => {
      expect(count).toBe(expected.count)
      expect(tokenizer.length).toBe(expected.length)
      const decoder = Object.entries(expected.decoder).map(
        ([id, token]) => [Number(id), addedToken(given(token))] as const,
      )
      expect(tokenizer.addedTokensDecoder).toEqual(new Map(decoder))
    })

    test.each(expected.rows)('cut $text as in transformers', (row) => {
      expect(rowOf(tokenizer, row)).toEqual(row)
    })

    test('survive saving', async () => {
      const folder = new MemoryFolder(tokenizer.toFiles())
      const again = await (name === 'siglip' ? SiglipTokenizer : Siglip2Tokenizer).fromPretrained(folder)
      expect(again.addedTokensDecoder).toEqual(tokenizer.addedTokensDecoder)
      expect(again.getVocab()).toEqual(tokenizer.getVocab())
      for (const row of expected.rows) expect(rowOf(again, row)).toEqual(row)
    })
  })
})

describe.each(both)('ids and tokens of %s', (name) => {
  const tokenizer = make[name]()

  test('convert both ways', () => {
    for (const [token, id] of tokenizer.getVocab()) {
      expect(tokenizer.convertTokensToIds(token)).toBe(id)
      expect(tokenizer.convertIdsToTokens(id)).toBe(token)
    }
    expect(tokenizer.getVocab().size).toBe(tokenizer.length)
    expect(tokenizer.convertTokensToIds('no such token')).toBe(tokenizer.unkTokenId)
  })

  test('skip special tokens', () => {
    const ids = tokenizer.encode('a cat')
    expect(tokenizer.convertIdsToTokens(ids, { skipSpecialTokens: true })).toEqual(tokenizer.tokenize('a cat'))
    expect(tokenizer.getSpecialTokensMask(ids, undefined, { alreadyHasSpecialTokens: true })).toEqual(
      ids.map((_, i) => (i === ids.length - 1 ? 1 : 0)),
    )
  })

  test('outside of the vocabulary are InputErrors', () => {
    expect(() => tokenizer.convertIdsToTokens([tokenizer.length])).toThrow(InputError)
    expect(() => tokenizer.convertIdsToTokens([-1])).toThrow(InputError)
    expect(() => tokenizer.decode([1.5])).toThrow(InputError)
  })

  test('decode as batches', () => {
    const texts = ['a cat', 'two dogs on the table']
    const { inputIds } = tokenizer.call(texts, { padding: true })
    expect(tokenizer.batchDecode(inputIds, { skipSpecialTokens: true })).toEqual(texts)
    expect(
      tokenizer.batchDecode(
        texts.map((t) => tokenizer.encode(t)),
        { skipSpecialTokens: true },
      ),
    ).toEqual(texts)
    expect(() => tokenizer.batchDecode({ data: new Int32Array(3), shape: [3] })).toThrow(InputError)
  })
})
