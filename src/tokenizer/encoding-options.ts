import { InputError } from '../errors.js'
import type { Side } from './tokenizer-config.js'
import type { Truncation } from './truncation.js'

/** The options of encoding one text or pair. Names and defaults are those of transformers' `__call__`. */
export interface EncodingOptions {
  /** Frame the text by special tokens: SigLIP ends it with `</s>`. Default: true. */
  readonly addSpecialTokens?: boolean | undefined
  /**
   * `true` or `'longest'`: fill up to the longest row; `'max_length'`: up to `maxLength`, or to the model's own; `false` or
   * `'do_not_pad'` (default): don't. The models were trained with `'max_length'`.
   */
  readonly padding?: boolean | 'longest' | 'max_length' | 'do_not_pad' | undefined
  /**
   * `true` or `'longest_first'`: truncate to `maxLength`, or to the model's own, a pair at its longer text; `'only_first'`,
   * `'only_second'`: the same at one text of a pair; `false` or `'do_not_truncate'`: don't. Special tokens are kept. Default:
   * truncated if `maxLength` is given and `padding` is absent or false.
   */
  readonly truncation?: boolean | Truncation | 'do_not_truncate' | undefined
  /** Number of tokens to truncate and pad to, special ones included. Default: the model's. */
  readonly maxLength?: number | undefined
  /** Pad to a multiple of this. */
  readonly padToMultipleOf?: number | undefined
  /** Default: the tokenizer's. */
  readonly paddingSide?: Side | undefined
  /** Default: the tokenizer's. */
  readonly truncationSide?: Side | undefined
  /** Split special tokens that a text spells out like any other text. Default: the tokenizer's. */
  readonly splitSpecialTokens?: boolean | undefined
  /**
   * Called for each text or pair that loses tokens.
   * @param tokens how many it has, special ones not counted
   * @param index which of the texts it is, from 0
   */
  readonly onTruncated?: ((tokens: number, index: number) => void) | undefined
}

/** The options of encoding a batch. */
export interface BatchOptions extends EncodingOptions {
  /** The second text of each pair: as many as texts, and one string if the text is one. */
  readonly textPair?: string | readonly string[] | undefined
  /** Default: whether the tokenizer's `modelInputNames` has `attention_mask`. */
  readonly returnAttentionMask?: boolean | undefined
  /** Default: whether the tokenizer's `modelInputNames` has `token_type_ids`. */
  readonly returnTokenTypeIds?: boolean | undefined
  /** Default: false. */
  readonly returnSpecialTokensMask?: boolean | undefined
}

/** What the options come down to. */
export interface LengthPlan {
  readonly padding: 'none' | 'longest' | 'max_length'
  readonly truncation: 'none' | Truncation
  /** Given whenever `padding` is `max_length` or `truncation` isn't `none`. */
  readonly maxLength: number | undefined
}

/** Model lengths above this mean "unlimited". */
const LARGE_INTEGER = 1e20

/**
 * Resolves padding and truncation as transformers' `_get_padding_truncation_strategies` does: without a length to pad or truncate to,
 * neither happens.
 *
 * @throws InputError if an option has another value than it may, or the options contradict each other.
 */
export function planLengths(options: EncodingOptions, modelMaxLength: number): LengthPlan {
  const { maxLength, padToMultipleOf } = options
  checkNames(options)
  checkCount('maxLength', maxLength)
  checkCount('padToMultipleOf', padToMultipleOf)
  checkOneOf('paddingSide', options.paddingSide, ['left', 'right', undefined])
  checkOneOf('truncationSide', options.truncationSide, ['left', 'right', undefined])
  let padding = paddingOf(options.padding)
  let truncation = truncationOf(options.truncation)
  if (maxLength !== undefined && !options.padding && options.truncation === undefined) truncation = 'longest_first'
  if (maxLength === undefined && modelMaxLength > LARGE_INTEGER) {
    if (padding === 'max_length') padding = 'none'
    truncation = 'none'
  }
  const length = maxLength ?? (padding === 'max_length' || truncation !== 'none' ? modelMaxLength : undefined)
  if (
    truncation !== 'none' &&
    padding !== 'none' &&
    padToMultipleOf !== undefined &&
    (length ?? 0) % padToMultipleOf !== 0
  )
    throw new InputError('Texts are truncated and padded to different lengths', {
      expected: `a maxLength that is a multiple of padToMultipleOf (${padToMultipleOf})`,
      found: `${length}`,
      where: 'maxLength',
      hint: 'Change one of the two, or leave padToMultipleOf out.',
    })
  return { padding, truncation, maxLength: length }
}

function paddingOf(value: EncodingOptions['padding']): LengthPlan['padding'] {
  checkOneOf('padding', value, [true, false, 'longest', 'max_length', 'do_not_pad', undefined])
  if (value === true || value === 'longest') return 'longest'
  return value === 'max_length' ? value : 'none'
}

function truncationOf(value: EncodingOptions['truncation']): LengthPlan['truncation'] {
  checkOneOf('truncation', value, [
    true,
    false,
    'longest_first',
    'only_first',
    'only_second',
    'do_not_truncate',
    undefined,
  ])
  if (value === true) return 'longest_first'
  return value === false || value === undefined || value === 'do_not_truncate' ? 'none' : value
}

/** The options of transformers' `__call__` that change what comes out, and have no counterpart here. */
const UNSUPPORTED = new Set([
  'isSplitIntoWords',
  'stride',
  'returnOverflowingTokens',
  'returnOffsetsMapping',
  'returnLength',
  'returnTensors',
  'textTarget',
  'textPairTarget',
])

const FLAGS = new Set([
  'addSpecialTokens',
  'splitSpecialTokens',
  'returnAttentionMask',
  'returnTokenTypeIds',
  'returnSpecialTokensMask',
])

/** Options in Python's spelling, or that only Python has, would otherwise be ignored; so would values other than true and false. */
function checkNames(options: EncodingOptions): void {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const camelCase = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    if (UNSUPPORTED.has(camelCase)) {
      if (!value) continue
      throw new InputError('This option of transformers is not supported', {
        expected: 'none',
        found: name,
        where: 'call',
        hint: 'Leave it out: a call returns ids and masks of whole texts, as arrays.',
      })
    }
    if (camelCase !== name)
      throw new InputError('Unknown option', {
        expected: camelCase,
        found: name,
        where: 'call',
        hint: 'Options have the names of transformers in camel case.',
      })
    if (FLAGS.has(name) && value !== null) checkOneOf(name, value, [true, false, undefined])
  }
}

/** Callers without types get an error as well, instead of a silent default. */
function checkOneOf(name: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return
  const expected = allowed.map((v) => JSON.stringify(v)).filter((v) => (v as string | undefined) !== undefined)
  throw new InputError(`Invalid ${name}`, { expected: expected.join(', '), found: String(value), where: name })
}

function checkCount(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return
  throw new InputError('This is not a number of tokens', {
    expected: 'a whole number from 1',
    found: String(value),
    where: name,
  })
}
