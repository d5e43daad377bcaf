import { NonFiniteError } from '../errors.js'

/**
 * Characters that steer a terminal instead of being seen: controls, line separators, halves of characters, and those that turn
 * the direction of writing. Names of files, labels and tensors are other people's.
 */
const STEERING = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`

/** The text with such characters spelled out: `\u001b`. */
export function printable(text: string): string {
  return text.replace(STEERING, escaped)
}

/**
 * A value as one line of JSON, which stays the same value when such characters are spelled out.
 *
 * @throws {NonFiniteError} for a number that JSON has no way to write: it would become null
 */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value, finite).replace(STEERING, escaped)
}

function finite(key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value
  throw new NonFiniteError('A result is not a finite number', { found: String(value), where: key })
}
