import { TokenizerError } from '../../../src/errors.js'
import { parseSentencePieceModel } from '../../../src/tokenizer/sentencepiece/sentencepiece-model.js'
import { SiglipTokenizer } from '../../../src/tokenizer/siglip-tokenizer.js'
import { fixture, reference, rowOf } from '../reference-vectors.js'

const { pieces, scores, normalizer } = parseSentencePieceModel(fixture('tokenizer/spiece.model'))
const charsmap = Buffer.from(normalizer.precompiledCharsmap).toString('base64')
const model = {
  type: 'Unigram',
  unk_id: 2,
  vocab: pieces.map((piece, id) => [piece, scores[id]]),
  byte_fallback: false,
}

/** A tokenizer of the fixture's vocabulary, with this pipeline around it. */
function tokenizerOf(json: Readonly<Record<string, unknown>>): SiglipTokenizer {
  const text = JSON.stringify({ model, ...json }, (key, value: unknown) =>
    key === 'precompiled_charsmap' ? charsmap : value,
  )
  return SiglipTokenizer.fromTokenizerJson(new TextEncoder().encode(text))
}

describe.each(reference.pipelines)('a tokenizer.json that is $name', ({ pipeline, rows, pair }) => {
  const tokenizer = tokenizerOf(pipeline)

  test.each(rows)('treats $text as the tokenizers library does', (row) => {
    expect(rowOf(tokenizer, row)).toEqual(row)
  })

  test('frames pairs', () => {
    const { inputIds, tokenTypeIds } = tokenizer.call('a cat', { textPair: 'two dogs', returnTokenTypeIds: true })
    expect(Array.from(inputIds.data)).toEqual(pair.ids)
    expect(Array.from(tokenTypeIds!.data)).toEqual(pair.types)
  })

  test('survives saving', () => {
    tokenizer.addTokens(['<new>'])
    const again = SiglipTokenizer.fromTokenizerJson(tokenizer.toFiles().get('tokenizer.json')!)
    expect(again.getVocab()).toEqual(tokenizer.getVocab())
    for (const row of rows) expect(again.encode(row.text)).toEqual(row.ids)
  })
})

test('byte fallback spells what is unknown', () => {
  const bytes = Array.from({ length: 256 }, (_, b) => [`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`, 0])
  const tokenizer = tokenizerOf({ model: { ...model, vocab: [...model.vocab, ...bytes], byte_fallback: true } })
  expect(tokenizer.tokenize('猫')).toEqual(['<0xE7>', '<0x8C>', '<0xAB>'])
})

test('byte fallback spells 200,000 unknown characters in a row', () => {
  const bytes = Array.from({ length: 256 }, (_, b) => [`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`, 0])
  const tokenizer = tokenizerOf({ model: { ...model, vocab: [...model.vocab, ...bytes], byte_fallback: true } })
  expect(tokenizer.encode('猫'.repeat(200_000), { addSpecialTokens: false })).toHaveLength(600_000)
})

test.each([
  ['normalizer', { type: 'BertNormalizer' }],
  ['normalizer', { type: 'Sequence', normalizers: [{ type: 'Nmt' }] }],
  ['normalizer', { type: 'Replace', pattern: { Regex: '(a+)+b' }, content: '' }],
  ['normalizer', { type: 'Replace', pattern: { Regex: '\\p{L}' }, content: '' }],
  ['normalizer', { type: 'Replace', pattern: { String: '' }, content: '' }],
  ['normalizer', 7],
  ['pre_tokenizer', { type: 'ByteLevel' }],
  ['pre_tokenizer', { type: 'Split', pattern: { String: ' ' }, behavior: 'Some' }],
  ['decoder', { type: 'WordPiece' }],
  ['post_processor', { type: 'RobertaProcessing' }],
  [
    'post_processor',
    {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '</s>', type_id: 0 } }],
      pair: [],
      special_tokens: {},
    },
  ],
  ['added_tokens', [{ content: 3 }]],
  ['model', { type: 'WordPiece', vocab: {} }],
  ['model', { type: 'Unigram', vocab: [], unk_id: 0 }],
  ['model', { type: 'Unigram', vocab: [['a', 'b']], unk_id: 0 }],
  ['model', { type: 'Unigram', vocab: [['a', 0]] }],
])('%s %j is a TokenizerError that names it', (key, value) => {
  expect(() => tokenizerOf({ [key]: value })).toThrow(TokenizerError)
  expect(() => tokenizerOf({ [key]: value })).toThrow(key)
})
