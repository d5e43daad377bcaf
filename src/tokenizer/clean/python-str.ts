/**
 * The few methods of Python's `str` that the reference tokenizer leans on, where JavaScript's own differ from them.
 *
 * @module
 */

/** What Python's `str.isspace` and `\s` of its `re` take for whitespace; JavaScript's `\s` has U+FEFF and lacks U+001C–1F, U+0085. */
export const WHITESPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

const LEADING = new RegExp(`^[${WHITESPACE}]+`)
const LAST_VISIBLE = new RegExp(`[^${WHITESPACE}]`)

/**
 * Letters that have had a lower case only since Unicode 15. The reference (Python 3.11, Unicode 14) does not change them; newer
 * engines don't, and ids must not depend on the engine.
 */
const CASED_SINCE_UNICODE_15 =
  /([\u1c89\ua7cb\ua7cc\ua7ce\ua7d2\ua7d4\ua7da\ua7dc\u{10d50}-\u{10d65}\u{16ea0}-\u{16eb8}])/u

/** `text.lower()`, final sigma and `İ` included. */
export function lower(text: string): string {
  if (!CASED_SINCE_UNICODE_15.test(text)) return text.toLowerCase()
  // Those letters were uncased, so they end a word as far as a final sigma is concerned: the parts between them are independent.
  return text
    .split(CASED_SINCE_UNICODE_15)
    .map((part, i) => (i % 2 === 0 ? part.toLowerCase() : part))
    .join('')
}

/** `text.lstrip()`. */
export function stripStart(text: string): string {
  return text.replace(LEADING, '')
}

/** `text.rstrip()`. */
export function stripEnd(text: string): string {
  // Not a regular expression anchored at the end: that takes quadratic time on long runs of inner spaces.
  let end = text.length
  while (end > 0 && !LAST_VISIBLE.test(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

/** `text.strip()`. */
export function strip(text: string): string {
  return stripEnd(stripStart(text))
}
