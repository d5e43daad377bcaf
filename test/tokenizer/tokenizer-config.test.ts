import { InputError, TokenizerError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { Siglip2Tokenizer } from '../../src/tokenizer/siglip2-tokenizer.js'
import { SiglipTokenizer } from '../../src/tokenizer/siglip-tokenizer.js'
import { addedTokensOfFixture, type Changes, changedFolder } from './tokenizer-files.js'

// Expected ids and tokens are those of transformers.

const siglip = (config: Changes, more: Readonly<Record<string, Changes>> = {}) =>
  SiglipTokenizer.fromPretrained(changedFolder('siglip-tiny', { 'tokenizer_config.json': config, ...more }))
const siglip2 = (config: Changes, more: Readonly<Record<string, Changes>> = {}) =>
  Siglip2Tokenizer.fromPretrained(changedFolder('tokenizer-siglip2', { 'tokenizer_config.json': config, ...more }))
const flags = { lstrip: false, normalized: false, rstrip: false, single_word: false, special: true }

describe('special tokens without a role', () => {
  test.each([[{}], [[]], [null]])('come from the older key where the newer one is %j', async (extra) => {
    const config = { extra_special_tokens: extra, additional_special_tokens: ['<x>'] }
    expect((await siglip2(config)).encode('a<x>b')).toEqual([285, 1200, 286, 1])
    expect((await siglip(config)).encode('a<x>b')).toEqual([3, 1000, 41, 1])
  })

  test('come from the newer key where both hold some', async () => {
    const config = { extra_special_tokens: ['<y>'], additional_special_tokens: ['<x>'] }
    expect((await siglip2(config)).allSpecialTokens.slice(5)).toEqual(['<y>'])
  })

  test('may have keys of their own', async () => {
    const config = {
      image_token: '<img>',
      foo_token: { __type: 'AddedToken', content: '<foo>', ...flags },
      add_eos_token: true,
      extra_special_tokens: ['<e>'],
    }
    const tokenizer = await siglip2(config)
    expect(tokenizer.allSpecialTokens.slice(5).sort()).toEqual(['<e>', '<foo>', '<img>'])
    expect(tokenizer.decode(tokenizer.encode('a <img><foo>'), { skipSpecialTokens: true })).toBe('a ')
    const other = await siglip({ image_token: '<img>', extra_special_tokens: ['<e>'] })
    expect(other.allSpecialTokens).toEqual(['</s>', '<unk>', '<img>', '<e>'])
    expect(other.encode('a <img> b')).toEqual([3, 1000, 41, 1])
    const again = await SiglipTokenizer.fromPretrained(new MemoryFolder(other.toFiles()))
    expect(again.allSpecialTokens).toEqual(other.allSpecialTokens)
  })
})

describe('flags of a special token that no file adds', () => {
  const given = (flag: object) => ({ __type: 'AddedToken', content: '</s>', ...flags, ...flag })

  test.each([
    ['eos_token', { 'tokenizer_config.json': { eos_token: given({ lstrip: true }) } }],
    ['extra_special_tokens', { 'tokenizer_config.json': { extra_special_tokens: [given({ lstrip: true })] } }],
    ['special_tokens_map.json', { 'special_tokens_map.json': { eos_token: given({ lstrip: true }) } }],
  ])('come from %s', async (_, changes) => {
    const tokenizer = await Siglip2Tokenizer.fromPretrained(changedFolder('tokenizer-siglip2', changes))
    expect(tokenizer.encode("A CAT's </s> dog")).toEqual([337, 1121, 44, 303, 1200, 332, 389, 1])
    const again = await Siglip2Tokenizer.fromPretrained(new MemoryFolder(tokenizer.toFiles()))
    expect(again.addedTokensDecoder).toEqual(tokenizer.addedTokensDecoder)
  })
})

describe('null', () => {
  test.each(['bos', 'eos', 'unk', 'pad', 'mask'] as const)(
    'for %s means that SigLIP 2 has no such token',
    async (role) => {
      const tokenizer = await siglip2({ [`${role}_token`]: null })
      expect(tokenizer.allSpecialTokens).toEqual(
        ['<bos>', '<eos>', '<unk>', '<pad>', '<mask>'].filter((token) => token !== `<${role}>`),
      )
      expect(tokenizer[`${role}Token`]).toBeUndefined()
      expect(tokenizer.encode('a cat é')).toEqual([337, 886, 316, 1])
      const again = await Siglip2Tokenizer.fromPretrained(new MemoryFolder(tokenizer.toFiles()))
      expect(again.allSpecialTokens).toEqual(tokenizer.allSpecialTokens)
    },
  )

  test('for pad means that SigLIP’s rows can’t be filled up', async () => {
    const tokenizer = await siglip({ pad_token: null })
    expect(tokenizer.encode('a Cat é')).toEqual([3, 16, 5, 2, 1])
    expect(() => tokenizer.call('a', { padding: 'max_length' })).toThrow(InputError)
  })

  test('for do_lower_case keeps case', async () => {
    expect((await siglip({ do_lower_case: null })).encode('a Cat é')).toEqual([3, 81, 74, 5, 2, 1])
  })

  test('for model_max_length is no limit', async () => {
    expect((await siglip({ model_max_length: null })).modelMaxLength).toBe(1e30)
    expect((await siglip2({ model_max_length: null, max_len: 7 })).modelMaxLength).toBe(1e30)
  })
})

test('max_len is the older spelling of SigLIP 2’s model_max_length, not of SigLIP’s', async () => {
  expect((await siglip2({ model_max_length: undefined, max_len: 7 })).modelMaxLength).toBe(7)
  expect((await siglip({ model_max_length: undefined, max_len: 7 })).modelMaxLength).toBe(64)
})

describe('added tokens of tokenizer.json', () => {
  const added = (id: number, content: string, more: object = {}) => ({ id, content, ...flags, ...more })
  const stripping = added(1000, '<new>', { lstrip: true, rstrip: true })

  test('count beside spiece.model where the configuration is silent', async () => {
    const json = { 'tokenizer.json': { added_tokens: [stripping, added(1, '</s>')] } }
    const tokenizer = await siglip({ added_tokens_decoder: undefined }, json)
    expect(tokenizer.encode('a <new> cat </s> b')).toEqual([3, 1000, 61, 74, 1, 41, 1])
    expect((await siglip({}, json)).encode('a <new> cat </s> b')).toEqual([3, 694, 16, 1, 41, 1])
  })

  test('count beside added_tokens.json', async () => {
    const more = { 'added_tokens.json': { '<new>': 1200 } }
    const tokenizer = await siglip2({ added_tokens_decoder: undefined }, more)
    expect([...tokenizer.addedTokensDecoder.keys()]).toEqual([0, 1, 2, 3, 4, 1200])
  })

  test('get the ids that they have, in whatever order they stand', async () => {
    const list = [...addedTokensOfFixture(), added(1201, '<b>'), added(1200, '<a>')]
    const tokenizer = await siglip2({}, { 'tokenizer.json': { added_tokens: list } })
    expect(tokenizer.encode('<a><b>')).toEqual([1200, 1201, 1])
  })

  test('are special if they have a role', async () => {
    const list = addedTokensOfFixture().map((token) => ({ ...token, special: false }))
    const tokenizer = await siglip2({}, { 'tokenizer.json': { added_tokens: list } })
    expect(tokenizer.decode([4, 285, 1], { skipSpecialTokens: true })).toBe('a')
  })

  test('without an id are a TokenizerError', async () => {
    const json = { 'tokenizer.json': { added_tokens: [{ content: '<new>', ...flags }] } }
    await expect(siglip2({}, json)).rejects.toThrow(TokenizerError)
  })
})

test.each([
  { ignore_merges: true },
  { dropout: 0.1 },
  { continuing_subword_prefix: '##' },
  { end_of_word_suffix: '</w>' },
])('Siglip2Tokenizer takes no %j from tokenizer.json', async (options) => {
  const folder = changedFolder('tokenizer-siglip2', {})
  const json = JSON.parse(new TextDecoder().decode(await folder.bytes('tokenizer.json'))) as { readonly model: object }
  const tokenizer = await siglip2({}, { 'tokenizer.json': { model: { ...json.model, ...options } } })
  expect(tokenizer.encode('<0x41>')).toEqual([283, 272, 308, 276, 273, 67, 1])
  expect(tokenizer.encode('a cat')).toEqual([337, 1121, 1])
})

describe('sp_model_kwargs', () => {
  test.each([[{}], [null], [{ enable_sampling: false, alpha: 0.1 }]])('%j change nothing', async (kwargs) => {
    expect((await siglip({ sp_model_kwargs: kwargs })).encode('a cat')).toEqual([3, 16, 1])
  })

  test.each([[{ add_eos: true }], [{ add_bos: true }], [{ reverse: true }], [{ enable_sampling: true }], ['none']])(
    '%j would, and are a TokenizerError',
    async (kwargs) => {
      await expect(siglip({ sp_model_kwargs: kwargs })).rejects.toThrow(TokenizerError)
      await expect(siglip({ sp_model_kwargs: kwargs })).rejects.toThrow('sp_model_kwargs')
    },
  )
})
