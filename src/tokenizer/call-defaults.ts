import type { EncodingOptions } from './encoding-options.js'
import { asId, asObject, mismatch } from './tokenizer-json/json-value.js'
import type { JsonObject } from '../io/json.js'

/** Options of a call that a tokenizer's files settle for a processor; the tokenizer itself doesn't heed them. */
export type CallDefaults = Pick<EncodingOptions, 'padding' | 'truncation' | 'maxLength' | 'padToMultipleOf'>

/** Beyond it a length stands for none. */
const LARGE = 1e20

const PADDINGS = [true, false, 'longest', 'max_length', 'do_not_pad'] as const
const TRUNCATIONS = [true, false, 'longest_first', 'only_first', 'only_second', 'do_not_truncate'] as const

/**
 * Reads them from the keys of `tokenizer_config.json`. A `max_length` of null counts: it takes the processor's own away.
 *
 * Source: `tokenizer_init_kwargs` of `ProcessorMixin._merge_kwargs` in transformers' `processing_utils.py`.
 *
 * @throws TokenizerError if a key has a value of the wrong kind.
 */
export function callDefaultsOf(json: JsonObject, where = 'tokenizer_config.json'): CallDefaults {
  const { padding, truncation, max_length: maxLength, pad_to_multiple_of: multiple } = json
  const length = (value: unknown, key: string): number | undefined =>
    value === null || (typeof value === 'number' && value > LARGE)
      ? undefined
      : asId(value, `${key} of ${where}`) || undefined
  return {
    ...(isSet(padding) && { padding: oneOf(PADDINGS, padding, `padding of ${where}`) }),
    ...(isSet(truncation) && { truncation: oneOf(TRUNCATIONS, truncation, `truncation of ${where}`) }),
    ...(maxLength !== undefined && { maxLength: length(maxLength, 'max_length') }),
    ...(isSet(multiple) && { padToMultipleOf: length(multiple, 'pad_to_multiple_of') }),
  }
}

/**
 * The keys that a `tokenizer.json` settles by its own truncation and padding.
 *
 * Source: `TokenizersBackend.__init__` of transformers.
 */
export function callDefaultsOfHead({ truncation, padding }: JsonObject): JsonObject {
  if (isSet(truncation)) return { max_length: asObject(truncation, 'truncation of tokenizer.json').max_length ?? null }
  if (!isSet(padding)) return {}
  const { strategy, pad_to_multiple_of: multiple } = asObject(padding, 'padding of tokenizer.json')
  return {
    max_length: typeof strategy === 'object' && strategy !== null && 'Fixed' in strategy ? strategy.Fixed : null,
    pad_to_multiple_of: multiple ?? null,
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

function oneOf<T>(allowed: readonly T[], value: unknown, where: string): T {
  const found = allowed.find((candidate) => candidate === value)
  if (found !== undefined) return found
  throw mismatch(allowed.map((candidate) => JSON.stringify(candidate)).join(', '), value, where)
}
