import { lower, WHITESPACE } from './python-str.js'

/** How to canonicalize. */
export interface CanonicalizeOptions {
  /** Lower the case first. Default: true. */
  readonly doLowerCase?: boolean | undefined
  /** Occurrences of exactly this string survive, e.g. `"{}"` in a prompt template. */
  readonly keepPunctuationExactString?: string | undefined
}

/** Python's `string.punctuation`: the ASCII punctuation marks and symbols. */
const PUNCTUATION = /[!-/:-@[-`{-~]+/g
const SPACES = new RegExp(`[${WHITESPACE}]+`, 'g')

/** The text without the 32 ASCII punctuation marks. */
export function removePunctuation(text: string): string {
  return text.replace(PUNCTUATION, '')
}

/**
 * The form of SigLIP's captions in training: lower case, no ASCII punctuation, single spaces.
 *
 * Source: `canonicalize_text` of transformers' `tokenization_siglip.py`, after big_vision's `prompt_engineering.py`.
 */
export function canonicalizeText(text: string, options: CanonicalizeOptions = {}): string {
  const cased = options.doLowerCase === false ? text : lower(text)
  const kept = options.keepPunctuationExactString
  const plain = kept ? cased.split(kept).map(removePunctuation).join(kept) : removePunctuation(cased)
  const spaced = plain.replace(SPACES, ' ')
  const start = spaced.startsWith(' ') ? 1 : 0
  return spaced.slice(start, spaced.length > start && spaced.endsWith(' ') ? -1 : undefined)
}
