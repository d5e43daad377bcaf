import { TokenizerError } from '../../errors.js'
import { isObject } from '../../io/is-object.js'
import type { JsonObject } from '../../io/json.js'

/** The value as an object. @throws TokenizerError naming `where` if it is none. */
export function asObject(value: unknown, where: string): JsonObject {
  if (isObject(value)) return value
  throw mismatch('an object', value, where)
}

/** The value as an array. @throws TokenizerError naming `where` if it is none. */
export function asArray(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw mismatch('an array', value, where)
}

/** The value as a string. @throws TokenizerError naming `where` if it is none. */
export function asString(value: unknown, where: string): string {
  if (typeof value === 'string') return value
  throw mismatch('a string', value, where)
}

/** The value as a boolean, `otherwise` if it is absent or null. @throws TokenizerError naming `where` if it is something else. */
export function asBoolean(value: unknown, otherwise: boolean, where: string): boolean {
  if (value === undefined || value === null) return otherwise
  if (typeof value === 'boolean') return value
  throw mismatch('true or false', value, where)
}

/** The value as an integer from 0 to 2³¹ − 1, as ids are. @throws TokenizerError naming `where` if it is none. */
export function asId(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value
  throw mismatch('an id (a whole number from 0)', value, where)
}

/** The error for a value of another kind than `expected`. */
export function mismatch(expected: string, value: unknown, where: string): TokenizerError {
  const shown = JSON.stringify(value) as string | undefined
  const found = shown === undefined ? 'nothing' : shown.length > 60 ? `${shown.slice(0, 57)}...` : shown
  return new TokenizerError('The tokenizer file says something else than it should', { expected, found, where })
}
