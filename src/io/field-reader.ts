import { ConfigError, InputError, type SiglipError } from '../errors.js'
import { isObject } from './is-object.js'

/** Values that `JSON.stringify` and `JSON.parse` keep. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** An object as `JSON.parse` makes it. */
export type JsonObject = Readonly<Record<string, Json | undefined>>

/** The range of a number, both ends included. */
export interface Limits {
  readonly min?: number
  readonly max?: number
}

/**
 * Reads typed fields from an object of unknown content by their TypeScript names: `hiddenSize` is also read from `hidden_size`, as files
 * spell it. A field that is missing or null has its default. Every value is checked; an error names the field, what
 * was expected and what was found.
 */
export class FieldReader {
  readonly #values = new Map<string, { readonly key: string; readonly value: unknown }>()
  readonly #where: string | undefined
  readonly #spell: (name: string) => string

  /**
   * @param source the parsed file, or the options of a call
   * @param where the file or class: errors are a ConfigError and spell fields as files do. Without it the source is a call's options:
   * errors are an InputError and spell fields as programs do.
   * @param spelling `'own'`: only keys in the spelling of the source are read, snake_case in a file and camelCase in a call; a key in the
   * other one is none of its fields. `'camelCase'`: a file that spells its fields as programs do. Default: `'any'`.
   * @throws {ConfigError | InputError} unless the source is an object
   */
  constructor(source: unknown, where?: string, spelling: 'any' | 'own' | 'camelCase' = 'any') {
    this.#where = where
    this.#spell = where === undefined || spelling === 'camelCase' ? (name) => name : snakeCase
    if (!isObject(source)) {
      const what = where === undefined ? 'options' : 'configuration'
      throw this.error(`Invalid ${what}`, { expected: 'an object', found: textOf(source) })
    }
    this.#add(source, spelling !== 'any')
  }

  /** A configuration's own `extra` keys are read as if they stood beside the others. */
  #add(source: object, onlyOwn: boolean): void {
    for (const [key, value] of Object.entries(source) as [string, unknown][]) {
      const field = camelCase(key)
      if (value === undefined || (onlyOwn && key !== this.spelled(field))) continue
      if (key === 'extra' && !onlyOwn && isObject(value)) this.#add(value, onlyOwn)
      else this.#values.set(field, { key, value })
    }
  }

  has(field: string): boolean {
    const found = this.#values.get(field)
    return found !== undefined && found.value !== null
  }

  integer<T>(field: string, fallback: T, { min = 1, max = 2 ** 31 - 1 }: Limits = {}): number | T {
    return this.value<number | T>(field, fallback, `a whole number from ${min} to ${max}`, (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined,
    )
  }

  number<T>(field: string, fallback: T, { min = -Infinity, max = Infinity }: Limits = {}): number | T {
    const ends = max === Infinity ? `from ${min}` : `from ${min} to ${max}`
    return this.value<number | T>(field, fallback, min === -Infinity ? 'a number' : `a number ${ends}`, (value) =>
      typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max ? value : undefined,
    )
  }

  boolean<T>(field: string, fallback: T): boolean | T {
    return this.value<boolean | T>(field, fallback, 'true or false', (value) =>
      typeof value === 'boolean' ? value : undefined,
    )
  }

  string<T>(field: string, fallback: T): string | T {
    return this.value<string | T>(field, fallback, 'a string', (value) =>
      typeof value === 'string' ? value : undefined,
    )
  }

  oneOf<T extends string, F = undefined>(field: string, choices: readonly T[], fallback: F): T | F {
    return this.value<T | F>(field, fallback, `one of ${choices.join(', ')}`, (value) =>
      choices.find((choice) => choice === value),
    )
  }

  /** An object inside this one. */
  object(field: string): object | undefined {
    return this.value<object | undefined>(field, undefined, 'an object', (value) =>
      isObject(value) ? value : undefined,
    )
  }

  /** Values by name; `valueOf` reads an entry, `undefined` if it is not valid. */
  record<T>(
    field: string,
    valueOf: (entry: unknown) => T | undefined,
    expected: string,
  ): Readonly<Record<string, T>> | undefined {
    const value = this.object(field)
    if (value === undefined) return undefined
    const record: Record<string, T> = {}
    for (const [key, entry] of Object.entries(value) as [string, unknown][]) {
      const parsed = valueOf(entry)
      if (parsed === undefined) throw this.wrong(field, expected, entry)
      record[key] = parsed
    }
    return record
  }

  /** A value of any type; `check` returns it as what it is read as, `undefined` if it is not valid. */
  value<T>(field: string, fallback: T, expected: string, check: (value: unknown) => T | undefined): T {
    const value = this.take(field)
    if (value === undefined || value === null) return fallback
    const checked = check(value)
    if (checked !== undefined) return checked
    throw this.wrong(field, expected, value)
  }

  /** A value that is not checked; `undefined` if the key is missing. It is not in `rest` any more. */
  take(field: string): unknown {
    const found = this.#values.get(field)
    this.#values.delete(field)
    return found?.value
  }

  /** Everything that was not read, under the keys it came with. */
  rest(): JsonObject {
    return Object.fromEntries([...this.#values].map(([field, { key, value }]) => [key, this.#json(field, value)]))
  }

  /** A value from a program may hold what JSON can't; what comes from a file passes as it is. */
  #json(field: string, value: unknown): Json {
    try {
      return JSON.parse(JSON.stringify(value)) as Json
    } catch {
      throw this.error(`Invalid ${field}`, { expected: 'a JSON value', found: typeof value })
    }
  }

  /** The error for a field with a wrong value. */
  wrong(field: string, expected: string, found: unknown): SiglipError {
    return this.error(`Invalid ${field}`, { expected, found: textOf(found) })
  }

  /** An error about the source; names of fields in it are spelled as in the source. */
  error(summary: string, { expected, found }: { readonly expected: string; readonly found: string }): SiglipError {
    const where = this.#where
    if (where === undefined) return new InputError(summary, { expected, found })
    return new ConfigError(this.#spell(summary), { expected: this.#spell(expected), found, where })
  }

  /** The name of a field as the source spells it. */
  spelled(field: string): string {
    return this.#spell(field)
  }
}

const camelCase = (key: string): string => key.replace(/_([a-z0-9])/g, (_, char: string) => char.toUpperCase())

/** `hiddenSize` as files spell it: `hidden_size`. */
export const snakeCase = (key: string): string =>
  key.replace(/([a-z0-9])([A-Z])/g, (_, before: string, char: string) => `${before}_${char.toLowerCase()}`)

function textOf(value: unknown): string {
  const text =
    typeof value === 'object' || typeof value === 'string'
      ? JSON.stringify(value)
      : typeof value === 'number' || typeof value === 'boolean'
        ? String(value)
        : typeof value
  return text.length > 100 ? `${text.slice(0, 97)}…` : text
}
