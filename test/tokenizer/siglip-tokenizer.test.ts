import { readFileSync } from 'node:fs'
import { FileError, TokenizerError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { SiglipTokenizer } from '../../src/tokenizer/siglip-tokenizer.js'
import { catchWarnings, fixture, reference, rowOf } from './reference-vectors.js'

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

let warnings: jest.SpyInstance
beforeEach(() => {
  warnings = catchWarnings()
})
afterEach(() => {
  warnings.mockRestore()
})

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
    expect([tokenizer.eosToken, tokenizer.padToken, tokenizer.unkToken]).toEqual(['</s>', '</s>', '<unk>'])
    expect([tokenizer.eosTokenId, tokenizer.padTokenId, tokenizer.unkTokenId]).toEqual([1, 1, 2])
    expect(tokenizer.allSpecialTokens).toEqual(['</s>', '<unk>'])
    expect(tokenizer.allSpecialIds).toEqual([1, 2])
    expect([tokenizer.length, tokenizer.modelMaxLength, tokenizer.paddingSide]).toEqual([1000, 64, 'right'])
    expect(tokenizer.numSpecialTokensToAdd()).toBe(1)
    expect(tokenizer.numSpecialTokensToAdd({ pair: true })).toBe(2)
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

  test('an end that is there already is not added again', () => {
    expect(tokenizer.buildInputsWithSpecialTokens([5, 1])).toEqual([5, 1])
    expect(warnings).toHaveBeenCalledTimes(1)
  })

  test.each(reference.siglip)('treats the hard text $text alike', (row) => {
    expect(rowOf(tokenizer, row)).toEqual(row)
  })

  const cased = SiglipTokenizer.fromSentencePiece(model, { doLowerCase: false })
  test.each(reference['siglip-cased'])('treats $text alike if case is kept', (row) => {
    expect(rowOf(cased, row)).toEqual(row)
  })

  describe.each(['user-defined', 'byte-fallback', 'suffix'] as const)(
    'with a vocabulary trained otherwise: %s',
    (name) => {
      const other = SiglipTokenizer.fromSentencePiece(fixture(`tokenizer-more/${name}.model`))
      test.each(reference[name])('treats $text alike', (row) => {
        expect(rowOf(other, row)).toEqual(row)
      })
    },
  )
})

describe('SiglipTokenizer from a folder', () => {
  test('reads tokenizer_config.json', async () => {
    const loaded = await SiglipTokenizer.fromPretrained('test/fixtures/siglip-tiny')
    expect(loaded.encode(vectors.rows[0]!.text)).toEqual(vectors.rows[0]!.input_ids)
    expect(loaded.modelMaxLength).toBe(64)
  })

  const folderWith = (config: unknown, more: readonly (readonly [string, unknown])[] = []) =>
    new MemoryFolder(
      new Map<string, Uint8Array>([
        ['spiece.model', model],
        ...[['tokenizer_config.json', config] as const, ...more].map(
          ([name, json]) => [name, new TextEncoder().encode(JSON.stringify(json))] as const,
        ),
      ]),
    )

  test('the flags of added tokens, and settings of published checkpoints, count', async () => {
    const flags = { lstrip: true, normalized: false, rstrip: true, single_word: false, special: true }
    const loaded = await SiglipTokenizer.fromPretrained(
      folderWith({
        added_tokens_decoder: { '1': { content: '</s>', ...flags }, '2': { content: '<unk>', ...flags } },
        additional_special_tokens: [],
        clean_up_tokenization_spaces: true,
        do_lower_case: true,
        eos_token: '</s>',
        model_input_names: ['input_ids'],
        model_max_length: 16,
        pad_token: { content: '</s>', ...flags },
        tokenizer_class: 'SiglipTokenizer',
        unk_token: '<unk>',
      }),
    )
    expect(loaded.tokenize('a </s> cat')).toEqual(['▁a', '</s>', 'c', 'at'])
    expect(loaded.call('a', { padding: 'max_length' }).inputIds.shape).toEqual([1, 16])
    expect(loaded.call('a').attentionMask).toBeUndefined()
    loaded.addTokens([' .'])
    const ids = loaded.convertTokensToIds(['▁a', ' .'])
    expect(loaded.decode(ids)).toBe('a.')
    expect(loaded.decode(ids, { cleanUpTokenizationSpaces: false })).toBe('a .')
  })

  test('files of older versions count where the configuration is silent', async () => {
    const loaded = await SiglipTokenizer.fromPretrained(
      folderWith({}, [
        ['special_tokens_map.json', { pad_token: { content: '<pad>' } }],
        ['added_tokens.json', { '<new>': 1000 }],
      ]),
    )
    expect(loaded.padTokenId).toBe(0)
    expect(loaded.convertTokensToIds('<new>')).toBe(1000)
  })

  test('overrides take precedence', async () => {
    const loaded = await SiglipTokenizer.fromPretrained('test/fixtures/siglip-tiny', {
      modelMaxLength: 8,
      paddingSide: 'left',
    })
    const { inputIds, attentionMask } = loaded.call('a cat', { padding: 'max_length' })
    expect(Array.from(inputIds.data)).toEqual([1, 1, 1, 1, 1, 3, 16, 1])
    expect(Array.from(attentionMask!.data)).toEqual([0, 0, 0, 0, 0, 1, 1, 1])
  })

  test('saves what it was loaded from', async () => {
    const loaded = await SiglipTokenizer.fromPretrained('test/fixtures/siglip-tiny')
    const files = loaded.toFiles()
    expect(Buffer.compare(files.get('spiece.model')!, model)).toBe(0)
    expect(JSON.parse(new TextDecoder().decode(files.get('tokenizer_config.json')))).toEqual(
      JSON.parse(readFileSync('test/fixtures/siglip-tiny/tokenizer_config.json', 'utf8')),
    )
  })

  test('without a tokenizer is a FileError, with a damaged one a TokenizerError', async () => {
    await expect(SiglipTokenizer.fromPretrained(new MemoryFolder(new Map()))).rejects.toThrow(FileError)
    for (const config of [[], { model_max_length: 'long' }, { pad_token: 3 }, { added_tokens_decoder: { x: {} } }])
      await expect(SiglipTokenizer.fromPretrained(folderWith(config))).rejects.toThrow(TokenizerError)
  })
})

describe('canonicalizeText', () => {
  test('keeps a string exactly', () => {
    expect(tokenizer.canonicalizeText('A {} photo, of {x}!', { keepPunctuationExactString: '{}' })).toBe(
      'a {} photo of x',
    )
  })
})

test('200,000 tokens can be added, and one text can have as many', async () => {
  const tokenizer = await SiglipTokenizer.fromPretrained('test/fixtures/tokenizer')
  const added = Array.from({ length: 200_000 }, (_, i) => `<t${i}>`)
  expect(tokenizer.addTokens(added, { specialTokens: true })).toBe(200_000)
  expect(tokenizer.addTokens(added.slice(0, 1000), { specialTokens: true })).toBe(0)
  const [id = 0] = tokenizer.convertTokensToIds(['<t199999>'])
  expect(tokenizer.encode(added.join(''), { addSpecialTokens: false }).at(-1)).toBe(id)
  expect(tokenizer.decode([id])).toBe('<t199999>')
})
