import { InputError } from '../errors.js'
import { isObject } from '../io/is-object.js'
import { type NdArray } from '../nd-array.js'
import type { AddedToken } from './added-token.js'
import { type BatchEncoding, toBatchEncoding } from './batch-encoding.js'
import { type CallDefaults, callDefaultsOf } from './call-defaults.js'
import { type BatchOptions, type EncodingOptions, type LengthPlan, planLengths } from './encoding-options.js'
import { withCleaning } from './clean/cleaning-backend.js'
import type { SpecialTokens } from './special-tokens.js'
import type { Framed, TokenizerBackend } from './tokenizer-backend.js'
import {
  addedTokenToJson,
  SPECIAL_TOKEN_ROLES,
  type Side,
  type SpecialTokenRole,
  type TokenizerConfig,
} from './tokenizer-config.js'
import { warnOnce } from './warn-once.js'

/** How ids are turned into text. */
export interface DecodeOptions {
  /** Leave special tokens out. Default: false. */
  readonly skipSpecialTokens?: boolean | undefined
  /** Close the gaps before punctuation and English contractions; not with byte-pair encoding. Default: the tokenizer's. */
  readonly cleanUpTokenizationSpaces?: boolean | undefined
}

/** Ids of one text, in whatever they came. */
export type Ids = Iterable<number>

/** What a tokenizer class settles where its configuration file is silent. */
export interface TokenizerDefaults {
  readonly className: string
  readonly modelMaxLength: number
  readonly paddingSide: Side
  readonly modelInputNames: readonly string[]
}

/** The key of `tokenizer_config.json` that has gaps closed all the same. */
const CLEAN_UP_FOR_BPE = 'clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output'

/**
 * What all tokenizers have in common, as in transformers' `PreTrainedTokenizerBase`: options, special tokens, padding,
 * truncation, saving. Python's `tokenizer(...)` is `tokenizer.call(...)`.
 */
export abstract class PreTrainedTokenizer {
  /** The greatest number of tokens the model takes; over 1e20: unlimited. */
  modelMaxLength: number
  /** The side that is filled up when rows are padded. */
  paddingSide: Side
  /** The side from which tokens are removed. */
  truncationSide: Side
  /** Which arrays a call returns by default, in transformers' spelling. */
  readonly modelInputNames: readonly string[]
  readonly cleanUpTokenizationSpaces: boolean
  readonly splitSpecialTokens: boolean
  /** @internal What the tokenizer's files settle for the calls of a processor. */
  readonly callDefaults: CallDefaults
  readonly #backend: TokenizerBackend
  readonly #specialTokens: SpecialTokens
  readonly #config: TokenizerConfig
  readonly #className: string

  /** @internal `fromPretrained` makes tokenizers. */
  protected constructor(
    backend: TokenizerBackend,
    specialTokens: SpecialTokens,
    config: TokenizerConfig,
    defaults: TokenizerDefaults,
  ) {
    this.#backend = withCleaning(backend, config.other ?? {})
    this.#specialTokens = specialTokens
    this.#config = config
    this.#className = defaults.className
    this.modelMaxLength = config.modelMaxLength ?? defaults.modelMaxLength
    this.paddingSide = config.paddingSide ?? defaults.paddingSide
    this.truncationSide = config.truncationSide ?? 'right'
    this.modelInputNames = config.modelInputNames ?? defaults.modelInputNames
    this.cleanUpTokenizationSpaces = config.cleanUpTokenizationSpaces ?? false
    this.splitSpecialTokens = config.splitSpecialTokens ?? false
    this.callDefaults = callDefaultsOf(config.other ?? {})
  }

  /**
   * Encodes one text or several into arrays of shape `[batch, length]`; a single string makes a batch of one.
   *
   * @throws InputError if the text is missing, an option has a wrong value, or rows differ in length and nothing makes them equal.
   */
  call(text: string | readonly string[], options: BatchOptions = {}): BatchEncoding {
    const texts = typeof text === 'string' ? [text] : text
    const { textPair } = options
    const pairs = typeof textPair === 'string' ? [textPair] : textPair
    checkTexts('text', texts)
    if (texts.length === 0) throw new InputError('Missing text', { expected: 'at least one', where: 'text' })
    if (pairs) checkTexts('textPair', pairs)
    if (pairs && (pairs.length !== texts.length || typeof text !== typeof textPair))
      throw new InputError('Texts and their pairs differ in number', {
        expected: typeof text === 'string' ? 'one string' : `an array of ${texts.length}`,
        found: typeof textPair === 'string' ? 'one string' : `an array of ${pairs.length}`,
        where: 'textPair',
      })

    const plan = this.#plan(options)
    // As in the reference, the tokenizers library never sees the empty pair of a single text.
    const isPair = pairs && !(textPair === '' && this.#backend.modelType !== 'SentencePiece')
    const rows = texts.map((t, i) => this.#encodeRow(t, isPair ? pairs[i] : undefined, plan, options, i))
    return toBatchEncoding(rows, {
      length: paddedLength(rows, plan, options),
      paddingSide: options.paddingSide ?? this.paddingSide,
      padId: plan.padding === 'none' ? 0 : this.#requirePadId(),
      returns: {
        attentionMask: options.returnAttentionMask ?? this.modelInputNames.includes('attention_mask'),
        tokenTypeIds: options.returnTokenTypeIds ?? this.modelInputNames.includes('token_type_ids'),
        specialTokensMask: options.returnSpecialTokensMask ?? false,
      },
    })
  }

  /** The ids of one text or pair, by the same options as `call`. */
  encode(text: string, options: EncodingOptions & { readonly textPair?: string | undefined } = {}): number[] {
    checkTexts('text', [text])
    return Array.from(this.call(text, options).inputIds.data)
  }

  /** The tokens of a text, without special tokens around them. */
  tokenize(text: string, options: Pick<EncodingOptions, 'splitSpecialTokens'> = {}): string[] {
    checkTexts('text', [text])
    return this.#backend.tokenize(text, options.splitSpecialTokens ?? this.splitSpecialTokens)
  }

  /**
   * The text of ids. Those beyond the vocabulary are omitted, unless it is `spiece.model`'s.
   *
   * @throws InputError if an id is not a whole number from 0, or is not in `spiece.model`.
   */
  decode(ids: number | Ids, options: DecodeOptions = {}): string {
    const text = this.#backend.decode(idArray(ids), options.skipSpecialTokens ?? false)
    if (!(options.cleanUpTokenizationSpaces ?? this.cleanUpTokenizationSpaces)) return text
    if (this.#backend.modelType !== 'BPE' || this.#config.other?.[CLEAN_UP_FOR_BPE] === true) return closeGaps(text)
    warnOnce(this, '`cleanUpTokenizationSpaces` has no effect: byte-pair encoding keeps the spaces that texts have.')
    return text
  }

  /** The text of each row: of an array of shape `[batch, length]`, as `call` returns it, or of lists of ids. */
  batchDecode(rows: NdArray<Int32Array> | readonly Ids[], options: DecodeOptions = {}): string[] {
    if (Array.isArray(rows)) return (rows as readonly Ids[]).map((row) => this.decode(row, options))
    if (!isNdArray(rows))
      throw new InputError('These are not rows of ids', {
        expected: 'an array of rows, or { data, shape }',
        found: typeof rows,
        where: 'batchDecode',
      })
    const [batch = 0, length = 0] = rows.shape
    if (rows.shape.length !== 2 || batch * length !== rows.data.length)
      throw new InputError('These are not rows of ids', {
        expected: 'shape [batch, length]',
        found: `[${rows.shape.join(', ')}] with ${rows.data.length} ids`,
        where: 'batchDecode',
      })
    return Array.from({ length: batch }, (_, i) =>
      this.decode(rows.data.subarray(i * length, (i + 1) * length), options),
    )
  }

  /** The id of a token, or the ids of several; the unknown token's for those that have none. */
  convertTokensToIds(tokens: string): number
  convertTokensToIds(tokens: readonly string[]): number[]
  convertTokensToIds(tokens: string | readonly string[]): number | number[] {
    if (typeof tokens === 'string') return this.#backend.tokenToId(tokens)
    checkTexts('tokens', tokens)
    return tokens.map((token) => this.#backend.tokenToId(token))
  }

  /**
   * The token of an id, or the tokens of several.
   *
   * @throws InputError for an unknown id.
   */
  convertIdsToTokens(ids: number): string
  convertIdsToTokens(ids: Ids, options?: Pick<DecodeOptions, 'skipSpecialTokens'>): string[]
  convertIdsToTokens(ids: number | Ids, options: Pick<DecodeOptions, 'skipSpecialTokens'> = {}): string | string[] {
    if (typeof ids === 'number') return this.#tokenOf(ids)
    const skip = new Set(options.skipSpecialTokens ? this.allSpecialIds : [])
    return idArray(ids)
      .filter((id) => !skip.has(id))
      .map((id) => this.#tokenOf(id))
  }

  /** Joins tokens to text. */
  convertTokensToString(tokens: readonly string[]): string {
    checkTexts('tokens', tokens)
    return this.#backend.tokensToString(tokens)
  }

  /** One text's ids, or a pair's, framed by special tokens. */
  buildInputsWithSpecialTokens(ids: readonly number[], pairIds?: readonly number[]): number[] {
    return this.#backend.frame(ids, pairIds).ids
  }

  /**
   * 1 where a special token stands, 0 elsewhere: in the sequence that `buildInputsWithSpecialTokens` makes of these ids, or in
   * the ids themselves if they have their special tokens already.
   */
  getSpecialTokensMask(
    ids: readonly number[],
    pairIds?: readonly number[],
    options: { readonly alreadyHasSpecialTokens?: boolean } = {},
  ): number[] {
    if (!options.alreadyHasSpecialTokens) return this.#backend.frame(ids, pairIds).specialTokensMask
    if (pairIds !== undefined)
      throw new InputError('A sequence with special tokens takes no second one', {
        expected: 'pairIds left out',
        found: `${pairIds.length} ids`,
        where: 'getSpecialTokensMask',
      })
    const special = new Set(this.allSpecialIds)
    return ids.map((id) => (special.has(id) ? 1 : 0))
  }

  /** Which text of a pair each token belongs to, if the tokenizer distinguishes them; SigLIP's don't: all zero. */
  createTokenTypeIdsFromSequences(ids: readonly number[], pairIds?: readonly number[]): number[] {
    return this.#backend.frame(ids, pairIds).typeIds
  }

  /** How many special tokens frame one text or a pair. */
  numSpecialTokensToAdd(options: { readonly pair?: boolean } = {}): number {
    return this.#backend.frame([], options.pair ? [] : undefined).ids.length
  }

  /** The number of tokens in the model's vocabulary, without added ones. */
  get vocabSize(): number {
    return this.#backend.vocabSize
  }

  /** The number of all tokens, added ones included: Python's `len(tokenizer)`. */
  get length(): number {
    return this.#backend.vocab().size
  }

  /** All tokens with their ids. */
  getVocab(): Map<string, number> {
    return this.#backend.vocab()
  }

  /** Added tokens by id. */
  get addedTokensDecoder(): ReadonlyMap<number, AddedToken> {
    return this.#backend.addedTokens()
  }

  /**
   * Adds tokens at which text is split. Ids of new ones follow the vocabulary's: the model's embedding must grow with them.
   *
   * @returns how many weren't in the vocabulary.
   * @throws InputError if one is neither a string nor an object with a string `content`.
   */
  addTokens(
    tokens: string | readonly (string | (Partial<AddedToken> & Pick<AddedToken, 'content'>))[],
    options: { readonly specialTokens?: boolean } = {},
  ): number {
    const list = typeof tokens === 'string' ? [tokens] : tokens
    checkTokens(list)
    return this.#backend.addTokens(list, options.specialTokens ?? false)
  }

  get bosToken(): string | undefined {
    return this.#specialTokens.get('bos')
  }
  get eosToken(): string | undefined {
    return this.#specialTokens.get('eos')
  }
  get unkToken(): string | undefined {
    return this.#specialTokens.get('unk')
  }
  get padToken(): string | undefined {
    return this.#specialTokens.get('pad')
  }
  get maskToken(): string | undefined {
    return this.#specialTokens.get('mask')
  }
  get bosTokenId(): number | undefined {
    return this.#idOf('bos')
  }
  get eosTokenId(): number | undefined {
    return this.#idOf('eos')
  }
  get unkTokenId(): number | undefined {
    return this.#idOf('unk')
  }
  get padTokenId(): number | undefined {
    return this.#idOf('pad')
  }
  get maskTokenId(): number | undefined {
    return this.#idOf('mask')
  }

  /** All special tokens, each once. */
  get allSpecialTokens(): readonly string[] {
    return this.#specialTokens.all
  }

  /** Their ids, in the same order. */
  get allSpecialIds(): number[] {
    return this.convertTokensToIds(this.#specialTokens.all)
  }

  /** The files that `fromPretrained` makes the same tokenizer of, by name. */
  toFiles(): Map<string, Uint8Array> {
    return this.#backend.files().set('tokenizer_config.json', new TextEncoder().encode(this.#configText()))
  }

  #configText(): string {
    const config: Record<string, unknown> = { ...this.#config.other }
    const put = (key: string, value: unknown): void => {
      if (value !== undefined) config[key] = value
    }
    for (const role of SPECIAL_TOKEN_ROLES)
      put(`${role}_token`, this.#specialTokens.get(role) ?? this.#config.specialTokens?.[role])
    const added = [...this.addedTokensDecoder].map(([id, token]) => [String(id), addedTokenToJson(token)])
    put('added_tokens_decoder', Object.fromEntries(added))
    put('extra_special_tokens', this.#specialTokens.extra)
    put('model_max_length', this.modelMaxLength)
    put('padding_side', this.#changed(this.paddingSide, this.#config.paddingSide, 'right'))
    put('truncation_side', this.#changed(this.truncationSide, this.#config.truncationSide, 'right'))
    put('model_input_names', this.#config.modelInputNames)
    put('clean_up_tokenization_spaces', this.#config.cleanUpTokenizationSpaces)
    put('split_special_tokens', this.#config.splitSpecialTokens)
    put('do_lower_case', this.#config.doLowerCase)
    put('legacy', this.#config.legacy)
    put('tokenizer_class', this.#className)
    const sorted = Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)))
    return `${JSON.stringify(sorted, undefined, 2)}\n`
  }

  /** The value to save of a setting: what it is now, unless neither the file nor the user ever said so. */
  #changed(now: Side, loaded: Side | undefined, usual: Side): Side | undefined {
    return loaded === undefined && now === usual ? undefined : now
  }

  #plan(options: BatchOptions): LengthPlan {
    if (
      (options.padding === true || options.padding === 'longest') &&
      options.maxLength !== undefined &&
      !options.truncation
    )
      warnOnce(
        this,
        '`maxLength` has no effect with `padding: true` and no truncation; `padding: "max_length"` pads to it.',
      )
    const { paddingSide = this.paddingSide, truncationSide = this.truncationSide } = options
    return planLengths({ ...options, paddingSide, truncationSide }, this.modelMaxLength)
  }

  #encodeRow(
    text: string,
    pair: string | undefined,
    plan: LengthPlan,
    options: EncodingOptions,
    index: number,
  ): Framed {
    const split = options.splitSpecialTokens ?? this.splitSpecialTokens
    let ids = this.#backend.encode(text, split)
    let pairIds = pair === undefined ? undefined : this.#backend.encode(pair, split)
    const framing = options.addSpecialTokens ?? true
    if (plan.truncation !== 'none' && plan.maxLength !== undefined) {
      const room = plan.maxLength - (framing ? this.numSpecialTokensToAdd({ pair: pairIds !== undefined }) : 0)
      const side = options.truncationSide ?? this.truncationSide
      const whole = ids.length + (pairIds?.length ?? 0)
      ;({ ids, pair: pairIds } = this.#backend.truncate(ids, pairIds, room, plan.truncation, side))
      if (ids.length + (pairIds?.length ?? 0) < whole) options.onTruncated?.(whole, index)
    }
    const row = framing ? this.#backend.frame(ids, pairIds) : unframed([...ids, ...(pairIds ?? [])])
    if (plan.maxLength === undefined && row.ids.length > this.modelMaxLength)
      warnOnce(
        this,
        `A text has ${row.ids.length} tokens, more than the ${this.modelMaxLength} the model takes: pass \`truncation: true\`.`,
      )
    return row
  }

  #requirePadId(): number {
    const id = this.padTokenId
    if (id !== undefined) return id
    throw new InputError('This tokenizer has no padding token', {
      where: 'padding',
      hint: 'Name one by `padToken` when loading it, e.g. the token that ends texts.',
    })
  }

  #tokenOf(id: number): string {
    const token = this.#backend.idToToken(id)
    if (token !== undefined) return token
    throw new InputError('Unknown token id', {
      expected: `0 to ${this.length - 1}`,
      found: `${id}`,
      where: 'ids',
    })
  }

  #idOf(role: SpecialTokenRole): number | undefined {
    const token = this.#specialTokens.get(role)
    return token === undefined ? undefined : this.#backend.tokenToId(token)
  }
}

/**
 * The length that all rows get. Rows that nothing fills up, or that are longer than `maxLength` and not truncated, keep theirs as in
 * transformers: then it is the shortest, and `toBatchEncoding` complains if any other differs.
 */
function paddedLength(rows: readonly Framed[], plan: LengthPlan, { padToMultipleOf = 1 }: EncodingOptions): number {
  const lengths = rows.map((row) => row.ids.length)
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0)
  const shortest = lengths.reduce((a, b) => Math.min(a, b), longest)
  if (plan.padding === 'none') return shortest
  const wanted = plan.padding === 'longest' ? longest : (plan.maxLength ?? longest)
  const length = Math.ceil(wanted / padToMultipleOf) * padToMultipleOf
  return longest > length ? shortest : length
}

function unframed(ids: number[]): Framed {
  return { ids, specialTokensMask: ids.map(() => 0), typeIds: ids.map(() => 0) }
}

function checkTexts(where: string, texts: readonly unknown[]): void {
  const at = Array.isArray(texts) ? texts.findIndex((text) => typeof text !== 'string') : 0
  if (at < 0) return
  const found = Array.isArray(texts) ? `${typeof texts[at]} at index ${at}` : typeof texts
  throw new InputError('This is not a text', { expected: 'a string or an array of strings', found, where })
}

function checkTokens(tokens: readonly unknown[]): void {
  const isFlag = (value: unknown): boolean => value === undefined || typeof value === 'boolean'
  const isToken = (token: unknown): boolean =>
    typeof token === 'string' ||
    (isObject(token) &&
      typeof token.content === 'string' &&
      [token.singleWord, token.lstrip, token.rstrip, token.normalized, token.special].every(isFlag))
  const at = Array.isArray(tokens) ? tokens.findIndex((token) => !isToken(token)) : 0
  if (at < 0) return
  throw new InputError('This is not a token', {
    expected: 'a string, or { content } with flags that are true or false',
    found: Array.isArray(tokens) ? `${JSON.stringify(tokens[at])} at index ${at}` : typeof tokens,
    where: 'addTokens',
  })
}

function isNdArray(value: unknown): value is NdArray<Int32Array> {
  return isObject(value) && ArrayBuffer.isView(value.data) && Array.isArray(value.shape)
}

function idArray(ids: number | Ids): number[] {
  const array: unknown[] = isIterable(ids) ? Array.from(ids) : [ids]
  if (array.every(isId)) return array
  const other = array.find((id) => !isId(id))
  throw new InputError('This is not an id', { expected: 'a whole number from 0', found: String(other), where: 'ids' })
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

/** transformers' `clean_up_tokenization`. */
function closeGaps(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re")
}
