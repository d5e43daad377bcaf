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
    ['a flag that is none', 'a', { addSpecialTokens: 'no' as unknown as boolean }],
  ])('%s is an InputError', (_, text, options) => {
    expect(() => tokenizers.siglip.call(text, options)).toThrow(InputError)
    expect(() => tokenizers.siglip2.call(text, options)).toThrow(InputError)
  })

  test.each([
    ['max_length', 4, 'maxLength'],
    ['text_pair', 'a', 'textPair'],
    ['isSplitIntoWords', true, 'Leave it out'],
    ['stride', 1, 'Leave it out'],
    ['return_offsets_mapping', true, 'Leave it out'],
    ['returnOverflowingTokens', true, 'Leave it out'],
    ['returnLength', true, 'Leave it out'],
    ['return_tensors', 'np', 'Leave it out'],
  ])('%s is an InputError that says what to do', (name, value, advice) => {
    expect(() => tokenizers.siglip.call('a', { [name]: value })).toThrow(InputError)
    expect(() => tokenizers.siglip2.encode('a', { [name]: value })).toThrow(advice)
  })

  test('encode takes one text', () => {
    expect(() => tokenizers.siglip.encode(['a', 'b'] as unknown as string)).toThrow(InputError)
  })

  test('a side that a tokenizer was given wrongly is an InputError', () => {
    const tokenizer = make.siglip2()
    tokenizer.paddingSide = 'middle' as 'left'
    expect(() => tokenizer.call('a')).toThrow(InputError)
  })

  // The ids below are those of transformers.
  test('maxLength cuts where padding is absent or false, not where it is do_not_pad', () => {
    const text = 'a photo of a cat on a table'
    for (const padding of [undefined, false]) {
      expect(tokenizers.siglip.encode(text, { maxLength: 4, padding })).toEqual([3, 24, 14, 1])
      expect(tokenizers.siglip2.encode(text, { maxLength: 4, padding })).toEqual([417, 886, 352, 1])
    }
    expect(tokenizers.siglip.encode(text, { maxLength: 4, padding: 'do_not_pad' })).toHaveLength(10)
    expect(tokenizers.siglip2.encode(text, { maxLength: 4, padding: 'do_not_pad' })).toHaveLength(6)
  })

  test('an empty pair is one to SigLIP, and to SigLIP 2 in a batch', () => {
    expect(tokenizers.siglip.encode('a', { textPair: '' })).toEqual([3, 1, 1])
    expect(tokenizers.siglip2.encode('a', { textPair: '' })).toEqual([285, 1])
    expect(Array.from(tokenizers.siglip2.call(['a'], { textPair: [''] }).inputIds.data)).toEqual([285, 1, 1])
    expect(tokenizers.siglip2.encode('', { textPair: 'a' })).toEqual([1, 285, 1])
  })

  test('SigLIP loses an empty pair where it cuts on the left', () => {
    const encode = (maxLength: number, truncationSide: 'left' | 'right') =>
      tokenizers.siglip.encode('a cat on a table', { textPair: '', maxLength, truncationSide })
    expect(encode(4, 'left')).toEqual([3, 27, 1])
    expect(encode(7, 'left')).toEqual([3, 16, 21, 3, 27, 1, 1])
    expect(encode(4, 'right')).toEqual([3, 16, 1, 1])
  })

  test('masks and types are as long as the ids where a text ends with </s> itself', () => {
    const options = { returnSpecialTokensMask: true, returnTokenTypeIds: true }
    const { inputIds, specialTokensMask, tokenTypeIds } = tokenizers.siglip.call('a</s>', options)
    expect(inputIds.data).toEqual(new Int32Array([3, 1]))
    expect(specialTokensMask?.data).toEqual(new Int32Array([0, 1]))
    expect(tokenTypeIds?.data).toEqual(new Int32Array(2))
    const padded = tokenizers.siglip.call(['a</s>', 'a'], { ...options, textPair: ['b</s>', 'b'], padding: true })
    expect(padded.inputIds.data).toEqual(new Int32Array([3, 1, 59, 1, 3, 1, 59, 1]))
    expect(padded.specialTokensMask?.data).toEqual(new Int32Array([0, 1, 0, 1, 0, 1, 0, 1]))
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

// Ids and flags are those of transformers.
test('a special token that is given without flags is not normalized by SigLIP 2', () => {
  const tokenizer = make.siglip2()
  expect(tokenizer.addTokens([{ content: 'Dog', rstrip: true }], { specialTokens: true })).toBe(1)
  expect(tokenizer.addedTokensDecoder.get(1200)).toMatchObject({ normalized: false, special: true })
  expect(tokenizer.encode('a Dog  cat')).toEqual([337, 1200, 1121, 1])
  const old = make.siglip()
  old.addTokens([{ content: 'Dog', rstrip: true }], { specialTokens: true })
  expect(old.addedTokensDecoder.get(1000)).toMatchObject({ normalized: true, special: true })
})

describe('cleanUpTokenizationSpaces', () => {
  const ids = [337, 886, 525, 406, 332, 271, 1]

  test('leaves byte-pair encoding alone, with a warning', () => {
    const tokenizer = make.siglip2()
    expect(tokenizer.decode(ids, { cleanUpTokenizationSpaces: true })).toBe('a cat , a dog .<eos>')
    expect(warnings).toHaveBeenCalledTimes(1)
  })

  test('does not if the file insists', () => {
    const tokenizer = Siglip2Tokenizer.fromTokenizerJson(fixture('tokenizer-siglip2/tokenizer.json'), {
      cleanUpTokenizationSpaces: true,
      other: { clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output: true },
    })
    expect(tokenizer.decode(ids)).toBe('a cat, a dog.<eos>')
  })
})

describe.each(both)('ids and tokens of %s', (name) => {
  const tokenizer = make[name]()

  const wrong = (value: unknown) => value as never
  test.each<[string, () => unknown]>([
    ['decode of nothing', () => tokenizer.decode(wrong(null))],
    ['decode of a negative id', () => tokenizer.decode([-1])],
    ['decode of a text', () => tokenizer.decode(wrong('ab'))],
    ['batchDecode of a text', () => tokenizer.batchDecode(wrong('ab'))],
    ['batchDecode of nothing', () => tokenizer.batchDecode(wrong(null))],
    ['convertTokensToIds of nothing', () => tokenizer.convertTokensToIds(wrong(undefined))],
    ['convertTokensToIds of an id', () => tokenizer.convertTokensToIds(wrong([3]))],
    ['convertIdsToTokens of nothing', () => tokenizer.convertIdsToTokens(wrong(undefined))],
    ['convertTokensToString of nothing', () => tokenizer.convertTokensToString(wrong(undefined))],
    ['addTokens of a number', () => tokenizer.addTokens(wrong([5]))],
    ['addTokens of nothing', () => tokenizer.addTokens(wrong(undefined))],
    ['addTokens of an object without content', () => tokenizer.addTokens(wrong([{}]))],
    ['addTokens of a flag that is none', () => tokenizer.addTokens(wrong([{ content: 'a', lstrip: 'yes' }]))],
  ])('%s is an InputError', (_, run) => {
    expect(run).toThrow(InputError)
    expect(tokenizer.encode('a')).toEqual(make[name]().encode('a'))
  })

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
    const beyond = () => tokenizer.decode([tokenizer.length])
    if (name === 'siglip') expect(beyond).toThrow(InputError)
    else expect(beyond()).toBe('')
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
