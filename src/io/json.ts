import type { ErrorDetail, SiglipError } from '../errors.js'
import { isObject } from './is-object.js'

/** A parsed object of JSON, its values not yet checked. */
export type JsonObject = Readonly<Record<string, unknown>>

/** The class of error that a reader throws. */
export type ErrorClass = new (summary: string, detail: ErrorDetail) => SiglipError

/**
 * Parses a JSON object as Python's `json` reads it: UTF-8, with `NaN`, `Infinity` and `-Infinity`, which it also writes. Numbers that
 * must be finite are checked where their meaning is known.
 *
 * @param where the file, for messages.
 * @param ReadError the class of the error that is thrown.
 * @throws ReadError if the bytes are not UTF-8, or the text is not one JSON object.
 */
export function parseJsonObject(source: string | Uint8Array, where: string, ReadError: ErrorClass): JsonObject {
  let value: unknown
  try {
    value = parsed(typeof source === 'string' ? source : new TextDecoder('utf-8', { fatal: true }).decode(source))
  } catch (cause) {
    throw new ReadError('Invalid JSON', { found: cause instanceof Error ? cause.message : undefined, where, cause })
  }
  if (isObject(value)) return value
  throw new ReadError('Expected a JSON object', { expected: 'an object', found: JSON.stringify(value), where })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const spelled = text.replace(pythonNumbers, (token) => spellings.get(token) ?? token)
    if (spelled === text) throw error
    return JSON.parse(spelled, (_, value: unknown) => (value === NOT_A_NUMBER ? NaN : value))
  }
}

/** The numbers that JSON lacks, and whole strings, so that their content is unchanged; an unterminated string ends with the text. */
const pythonNumbers = /"(?:[^"\\]+|\\[^]?)*(?:"|$)|-?\bInfinity\b|\bNaN\b/g

const NOT_A_NUMBER = '\u0000NaN'

/** What JSON reads as these numbers: one too large for a float, and a mark that is replaced. */
const spellings = new Map([
  ['Infinity', '1e999'],
  ['-Infinity', '-1e999'],
  ['NaN', JSON.stringify(NOT_A_NUMBER)],
])
