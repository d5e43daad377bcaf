import fc from 'fast-check'
import type { PreTrainedTokenizer } from '../../src/tokenizer/pretrained-tokenizer.js'
import { Siglip2Tokenizer } from '../../src/tokenizer/siglip2-tokenizer.js'
import { SiglipTokenizer } from '../../src/tokenizer/siglip-tokenizer.js'
import { catchWarnings, fixture } from './reference-vectors.js'

const tokenizers: [string, PreTrainedTokenizer][] = [
  ['SigLIP', SiglipTokenizer.fromSentencePiece(fixture('tokenizer/spiece.model'))],
  ['SigLIP with byte fallback', SiglipTokenizer.fromSentencePiece(fixture('tokenizer-more/byte-fallback.model'))],
  ['SigLIP 2', Siglip2Tokenizer.fromTokenizerJson(fixture('tokenizer-siglip2/tokenizer.json'))],
]

/** Any UTF-16 string, lone surrogates and special tokens included. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      fc.constantFrom('</s>', '<unk>', '<eos>', '<0x41>', '▁', ' ', 'a cat'),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''))

describe.each(tokenizers)('%s', (_, tokenizer) => {
  let warnings: jest.SpyInstance
  beforeAll(() => {
    warnings = catchWarnings()
  })
  afterAll(() => {
    warnings.mockRestore()
  })

  test('encodes any string to ids of the vocabulary', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const id of tokenizer.encode(text)) expect(tokenizer.convertIdsToTokens(id)).not.toBe('')
      }),
    )
  })

  test('gives the ids of its tokens', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const plain = text.replace(/[<>]/g, '')
        expect(tokenizer.encode(plain, { addSpecialTokens: false })).toEqual(
          tokenizer.convertTokensToIds(tokenizer.tokenize(plain)),
        )
      }),
    )
  })

  test('never exceeds the length it is given, and keeps the end', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 12 }), (text, maxLength) => {
        const { inputIds } = tokenizer.call(text, {
          padding: 'max_length',
          truncation: true,
          maxLength,
          paddingSide: 'left',
        })
        expect(inputIds.shape).toEqual([1, maxLength])
        expect(inputIds.data[maxLength - 1]).toBe(tokenizer.eosTokenId)
      }),
    )
  })

  test('decodes words to themselves', () => {
    const words = fc.array(fc.constantFrom('cat', 'two', 'dogs', 'photo', 'zebra', '42'), {
      minLength: 1,
      maxLength: 9,
    })
    fc.assert(
      fc.property(words, (list) => {
        const text = list.join(' ')
        expect(tokenizer.decode(tokenizer.encode(text), { skipSpecialTokens: true })).toBe(text)
      }),
    )
  })
})

test('long texts of one character take no quadratic time', () => {
  // A jest timeout would be the failure: quadratic time is hours here.
  for (const [, tokenizer] of tokenizers)
    for (const unit of [' ', 'a', '猫', '<', '\u0301'])
      expect(tokenizer.encode(unit.repeat(300_000), { truncation: true, maxLength: 16 }).length).toBeLessThanOrEqual(16)
})
