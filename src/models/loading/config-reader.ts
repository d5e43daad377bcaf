import { ConfigError } from '../../errors.js'
import { isObject } from '../../io/is-object.js'

/** Values that `JSON.stringify` and `JSON.parse` keep. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** An object as `JSON.parse` makes it. */
export type JsonObject = Readonly<Record<string, Json | undefined>>

/**
 * Reads a configuration's fields by their TypeScript names, whichever way its keys are spelled: `hidden_size` in a file,
 * `hiddenSize` in a program. Every value is checked; keys that are not read stay in `rest`.
 */
export class ConfigReader {
  private readonly values = new Map<string, { readonly key: string; readonly value: unknown }>()

  /**
   * @param source the parsed file, or the fields given to a constructor
   * @param where the file or class, for messages
   */
  constructor(
    source: unknown,
    private readonly where: string,
  ) {
    if (!isObject(source)) {
      throw new ConfigError('not a configuration', { expected: 'an object', found: kindOf(source), where })
    }
    this.add(source)
  }

  /** A configuration's own `extra` keys are read as if they stood beside the others. */
  private add(source: object): void {
    for (const [key, value] of Object.entries(source) as [string, unknown][]) {
      if (key === 'extra' && isObject(value)) this.add(value)
      else if (value !== undefined) this.values.set(camelCase(key), { key, value })
    }
  }

  has(field: string): boolean {
    const found = this.values.get(field)
    return found !== undefined && found.value !== null
  }

  integer(field: string, fallback: number, { min = 1, max = 2 ** 31 - 1 } = {}): number {
    const value = this.take(field)
    if (value === undefined || value === null) return fallback
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    throw this.wrong(field, `a whole number from ${min} to ${max}`, value)
  }

  number(field: string, fallback: number, { min = -Infinity, max = Infinity } = {}): number {
    const value = this.take(field)
    if (value === undefined || value === null) return fallback
    if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value
    throw this.wrong(field, min === -Infinity ? 'a number' : `a number from ${min} to ${max}`, value)
  }

  boolean(field: string, fallback: boolean): boolean {
    const value = this.take(field)
    if (value === undefined || value === null) return fallback
    if (typeof value === 'boolean') return value
    throw this.wrong(field, 'true or false', value)
  }

  string(field: string, fallback: string): string {
    const value = this.take(field)
    if (value === undefined || value === null) return fallback
    if (typeof value === 'string') return value
    throw this.wrong(field, 'a string', value)
  }

  oneOf<T extends string>(field: string, choices: readonly T[]): T | undefined {
    const value = this.take(field)
    if (value === undefined || value === null) return undefined
    const choice = choices.find((c) => c === value)
    if (choice !== undefined) return choice
    throw this.wrong(field, `one of ${choices.join(', ')}`, value)
  }

  /** The side of a square: a number, or two equal ones as some files have them. */
  side(field: string, fallback: number): number {
    const found = this.values.get(field)
    if (found && Array.isArray(found.value)) {
      const [height, width]: readonly unknown[] = found.value as readonly unknown[]
      if (found.value.length !== 2 || height !== width)
        throw this.wrong(field, 'one number, or two equal ones', found.value)
      this.values.set(field, { key: found.key, value: height })
    }
    return this.integer(field, fallback, { max: 65536 })
  }

  /** A configuration inside this one. */
  object(field: string): object | undefined {
    const value = this.take(field)
    if (value === undefined || value === null) return undefined
    if (isObject(value)) return value
    throw this.wrong(field, 'an object', value)
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

  /** A token id; `null` stands for "none". */
  tokenId(field: string, fallback: number): number | readonly number[] | null {
    const value = this.take(field)
    if (value === undefined) return fallback
    if (value === null) return null
    if (typeof value === 'number' && Number.isInteger(value)) return value
    if (Array.isArray(value) && value.every((id): id is number => Number.isInteger(id))) return value
    throw this.wrong(field, 'a token id', value)
  }

  /** Any value; `undefined` if the key isn't there. */
  take(field: string): unknown {
    const found = this.values.get(field)
    this.values.delete(field)
    return found?.value
  }

  /** Everything that wasn't taken, under the keys it came with. */
  rest(): JsonObject {
    return Object.fromEntries([...this.values].map(([field, { key, value }]) => [key, this.json(field, value)]))
  }

  /** A value from a program may hold what JSON can't; what comes from a file passes as it is. */
  private json(field: string, value: unknown): Json {
    try {
      return JSON.parse(JSON.stringify(value)) as Json
    } catch {
      throw new ConfigError(`bad ${snakeCase(field)}`, {
        expected: 'a JSON value',
        found: typeof value,
        where: this.where,
      })
    }
  }

  wrong(field: string, expected: string, found: unknown): ConfigError {
    return new ConfigError(`bad ${snakeCase(field)}`, { expected, found: kindOf(found), where: this.where })
  }
}

const camelCase = (key: string): string => key.replace(/_([a-z0-9])/g, (_, char: string) => char.toUpperCase())
export const snakeCase = (key: string): string => key.replace(/[A-Z]/g, (char) => `_${char.toLowerCase()}`)

function kindOf(value: unknown): string {
  const text =
    typeof value === 'object' || typeof value === 'string'
      ? JSON.stringify(value)
      : typeof value === 'number'
        ? String(value)
        : typeof value
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
