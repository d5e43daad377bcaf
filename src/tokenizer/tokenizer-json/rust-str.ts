/**
 * The few text operations of the Rust `tokenizers` library that differ from JavaScript's and from Python's.
 *
 * @module
 */

/** Rust's `char::is_whitespace`: Unicode's White_Space property. */
export const WHITE_SPACE = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

const IS_SPACE = new RegExp(`[${WHITE_SPACE}]`)

/** Lower case letter by letter: unlike `toLowerCase`, a sigma at the end of a word becomes σ. */
export function lowerLetters(text: string): string {
  return (text.includes('\u03a3') ? text.replaceAll('\u03a3', '\u03c3') : text).toLowerCase()
}

/** The length of the whitespace at the start of a text. */
export function leadingSpaces(text: string): number {
  let at = 0
  while (at < text.length && IS_SPACE.test(text.charAt(at))) at++
  return at
}

/** The length of a text without the whitespace at its end. */
export function trimmedLength(text: string): number {
  let end = text.length
  while (end > 0 && IS_SPACE.test(text.charAt(end - 1))) end--
  return end
}
