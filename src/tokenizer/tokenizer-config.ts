import { isObject } from '../io/is-object.js'
import { type AddedToken, addedToken } from './added-token.js'
import { asArray, asBoolean, asId, asObject, asString, mismatch } from './tokenizer-json/json-value.js'
import type { JsonObject } from '../io/json.js'

/** The roles that a special token can have, in transformers' order. */
export const SPECIAL_TOKEN_ROLES = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'] as const

/** The role of a special token: `eos` ends a text, `pad` fills rows up, `unk` stands for the unknown. */
export type SpecialTokenRole = (typeof SPECIAL_TOKEN_ROLES)[number]

/** The `modelMaxLength` of a tokenizer whose files know of no limit. */
export const UNLIMITED = 1e30

/** A side of a text. */
export type Side = 'left' | 'right'

/** What `tokenizer_config.json` settles, and `fromPretrained` takes as overrides. Defaults are the tokenizer class's own. */
export interface TokenizerConfig {
  /** The special tokens by role; null where the tokenizer is to have none. */
  readonly specialTokens?: Readonly<Partial<Record<SpecialTokenRole, string | null>>> | undefined
  /** Special tokens without a role. */
  readonly extraSpecialTokens?: readonly string[] | undefined
  /** The flags of special tokens by content, for those that aren't added tokens of a file. */
  readonly specialTokenFlags?: ReadonlyMap<string, AddedToken> | undefined
  /** Added tokens by id (`added_tokens_decoder`). */
  readonly addedTokens?: ReadonlyMap<number, AddedToken> | undefined
  /** The greatest number of tokens the model takes; over 1e20: unlimited. */
  readonly modelMaxLength?: number | undefined
  /** The side that is filled up when rows are padded. */
  readonly paddingSide?: Side | undefined
  /** The side from which tokens are removed. */
  readonly truncationSide?: Side | undefined
  /** Which arrays a call returns: `input_ids`, `attention_mask`, `token_type_ids`. */
  readonly modelInputNames?: readonly string[] | undefined
  /** Whether decoding closes the gaps before punctuation and English contractions. */
  readonly cleanUpTokenizationSpaces?: boolean | undefined
  /** Whether special tokens in a text are split like any other text. */
  readonly splitSpecialTokens?: boolean | undefined
  /** Whether text is lower-cased first. */
  readonly doLowerCase?: boolean | undefined
  /** transformers' `legacy`: false switches SentencePiece's dummy prefix off. */
  readonly legacy?: boolean | undefined
  /** All other keys of the file, kept for saving. */
  readonly other?: JsonObject | undefined
}

/**
 * Reads the contents of `tokenizer_config.json`.
 *
 * @throws TokenizerError if a key that matters has a value of the wrong kind.
 */
export function parseTokenizerConfig(json: JsonObject, where = 'tokenizer_config.json'): TokenizerConfig {
  const at = (key: string): string => `${key} of ${where}`
  /** The value of a key, undefined if the class's default is to hold: if the key is absent or null. */
  const optional = <T>(key: string, read: (value: unknown, where: string) => T): T | undefined => {
    const value = json[key]
    return value === undefined || value === null ? undefined : read(value, at(key))
  }
  const flag = (value: unknown, place: string): boolean => asBoolean(value, false, place)

  const specialTokens: Partial<Record<SpecialTokenRole, string | null>> = {}
  for (const role of SPECIAL_TOKEN_ROLES) {
    const key = `${role}_token`
    const content = json[key] === null ? null : optional(key, asTokenContent)
    if (content !== undefined) specialTokens[role] = content
  }
  return {
    specialTokens,
    extraSpecialTokens: extraSpecialTokens(json, where),
    specialTokenFlags: specialTokenFlags(json, where),
    addedTokens: optional('added_tokens_decoder', asAddedTokens),
    modelMaxLength: json.model_max_length === null ? UNLIMITED : optional('model_max_length', asLength),
    paddingSide: optional('padding_side', asSide),
    truncationSide: optional('truncation_side', asSide),
    modelInputNames: optional('model_input_names', (value, place) =>
      asArray(value, place).map((v) => asString(v, place)),
    ),
    cleanUpTokenizationSpaces: optional('clean_up_tokenization_spaces', flag),
    splitSpecialTokens: optional('split_special_tokens', flag),
    doLowerCase: json.do_lower_case === null ? false : optional('do_lower_case', flag),
    legacy: optional('legacy', flag),
    other: Object.fromEntries(Object.entries(json).filter(([key]) => !KNOWN_KEYS.has(key))),
  }
}

/** An added token as JSON files write it. */
export function parseAddedToken(value: unknown, where: string): AddedToken {
  const json = asObject(value, where)
  const content = asString(json.content, `content of ${where}`)
  const special = asBoolean(json.special, false, `special of ${where}`)
  return addedToken({
    content,
    special,
    singleWord: asBoolean(json.single_word, false, `single_word of ${where}`),
    lstrip: asBoolean(json.lstrip, false, `lstrip of ${where}`),
    rstrip: asBoolean(json.rstrip, false, `rstrip of ${where}`),
    normalized: asBoolean(json.normalized, !special, `normalized of ${where}`),
  })
}

/** An added token as `tokenizer_config.json` and `tokenizer.json` write it. */
export function addedTokenToJson(token: AddedToken): JsonObject {
  const { content, lstrip, normalized, rstrip, singleWord, special } = token
  return { content, lstrip, normalized, rstrip, single_word: singleWord, special }
}

const KNOWN_KEYS = new Set([
  ...SPECIAL_TOKEN_ROLES.map((role) => `${role}_token`),
  'extra_special_tokens',
  'additional_special_tokens',
  'added_tokens_decoder',
  'model_max_length',
  'padding_side',
  'truncation_side',
  'model_input_names',
  'clean_up_tokenization_spaces',
  'split_special_tokens',
  'do_lower_case',
  'legacy',
  'tokenizer_class',
])

/** The special tokens without a role: those with their own keys, such as `image_token`, and the listed ones. */
function extraSpecialTokens(json: JsonObject, where: string): readonly string[] | undefined {
  const isToken = (value: unknown): boolean =>
    typeof value === 'string' || (isObject(value) && typeof value.content === 'string')
  const named = Object.entries(json)
    .filter(([key, value]) => key.endsWith('_token') && !KNOWN_KEYS.has(key) && isToken(value))
    .map(([key, value]) => asTokenContent(value, `${key} of ${where}`))
  const list = (key: string): readonly string[] | undefined => {
    const value = json[key]
    return value === undefined || value === null ? undefined : asTokenList(value, `${key} of ${where}`)
  }
  const extra = list('extra_special_tokens')
  // The older key counts wherever the newer one holds nothing.
  const listed = extra?.length ? extra : (list('additional_special_tokens') ?? extra)
  return named.length > 0 || listed ? [...named, ...(listed ?? [])] : undefined
}

/** The flags of all special tokens that are written as objects. */
function specialTokenFlags(json: JsonObject, where: string): ReadonlyMap<string, AddedToken> {
  const lists = [json.extra_special_tokens, json.additional_special_tokens].flatMap((list) =>
    isObject(list) ? Object.values(list) : Array.isArray(list) ? (list as readonly unknown[]) : [],
  )
  const named = Object.entries(json).flatMap(([key, value]) => (key.endsWith('_token') ? [value] : []))
  const tokens = [...named, ...lists].filter(isObject).filter(({ content }) => typeof content === 'string')
  return new Map(
    tokens.map((token) => {
      const flags = parseAddedToken({ ...token, special: true }, `special tokens of ${where}`)
      return [flags.content, flags]
    }),
  )
}

function asTokenContent(value: unknown, where: string): string {
  return isObject(value) ? asString(value.content, `content of ${where}`) : asString(value, where)
}

function asTokenList(value: unknown, where: string): readonly string[] {
  const tokens = isObject(value) ? Object.values(value) : asArray(value, where)
  return tokens.map((token) => asTokenContent(token, where))
}

function asAddedTokens(value: unknown, where: string): ReadonlyMap<number, AddedToken> {
  const entries = Object.entries(asObject(value, where))
  return new Map(
    entries.map(([id, token]) => [asId(Number(id), where), parseAddedToken(token, `token ${id} of ${where}`)]),
  )
}

function asLength(value: unknown, where: string): number {
  if (typeof value === 'number' && value > 0) return value
  throw mismatch('a positive number', value, where)
}

function asSide(value: unknown, where: string): Side {
  if (value === 'left' || value === 'right') return value
  throw mismatch('"left" or "right"', value, where)
}
