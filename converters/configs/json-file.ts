import { ConfigError } from '../../src/errors.js'
import { isObject } from '../../src/io/is-object.js'
import type { CheckpointFolder } from '../../src/hub/checkpoint-folder.js'
import { placeOf } from '../formats/file-source.js'

/** A parsed object of JSON, its values not yet checked. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Configurations are a few kilobytes; those with the names of several hundred thousand classes, many megabytes. */
const LARGEST = 100_000_000

/** A file of a folder that is to hold a JSON object. @throws FileError if there is none; ConfigError if it isn't an object. */
export async function readJsonObject(folder: CheckpointFolder, name: string): Promise<JsonObject> {
  const where = placeOf(folder, name)
  const size = await folder.size(name)
  if (size > LARGEST) {
    throw new ConfigError('too large for a configuration', {
      expected: `at most ${LARGEST} bytes`,
      found: `${size}`,
      where,
    })
  }
  const bytes = await folder.bytes(name)
  let json: unknown
  try {
    json = parsed(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new ConfigError('not JSON', { where, found: cause instanceof Error ? cause.message : undefined, cause })
  }
  if (isObject(json)) return json
  throw new ConfigError('not a configuration', { expected: 'an object', where })
}

/** A text of JSON as Python reads it: with `NaN`, `Infinity` and `-Infinity`, which its own `json` writes. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const spelled = text.replace(pythonNumbers, (token) => spellings.get(token) ?? token)
    if (spelled === text) throw error
    return JSON.parse(spelled, (_, value: unknown) => (value === NOT_A_NUMBER ? NaN : value))
  }
}

/** The numbers that JSON lacks, and whole strings, so that what stands in them stays; one without an end ends with the text. */
const pythonNumbers = /"(?:[^"\\]+|\\[^]?)*(?:"|$)|-?\bInfinity\b|\bNaN\b/g

const NOT_A_NUMBER = '\u0000NaN'

/** What JSON reads as these numbers: one too large for a float, and a mark that is replaced. */
const spellings = new Map([
  ['Infinity', '1e999'],
  ['-Infinity', '-1e999'],
  ['NaN', JSON.stringify(NOT_A_NUMBER)],
])

/** A configuration's file. @throws ConfigError for one that is too large to be read again */
export function jsonFile(json: JsonObject): Uint8Array<ArrayBuffer> {
  let names: unknown
  const marked = JSON.stringify(
    json,
    function (this: unknown, key, value: unknown) {
      if (key === 'label2id' && isObject(value)) names = value
      if (typeof value === 'number' && !Number.isFinite(value)) return `${MARK}${value}`
      return this !== names && floats.has(key) && Number.isSafeInteger(value) ? `${MARK}${String(value)}.0` : value
    },
    2,
  )
  const bytes = new TextEncoder().encode(`${marked.replace(pythonFloats, '$1')}\n`)
  if (bytes.length <= LARGEST) return bytes
  throw new ConfigError('too large for a configuration', {
    expected: `at most ${LARGEST} bytes`,
    found: `${bytes.length}`,
    hint: 'Shorten the names of the classes.',
  })
}

/**
 * Python tells a float by its point, which JavaScript leaves out of 1.0, and transformers takes no integer for one. Classes may have any
 * name, so `label2id` has none. `NaN` and infinities are written as Python does.
 */
const floats: ReadonlySet<string> = new Set(['initializer_factor', 'layer_norm_eps', 'attention_dropout'])

const MARK = '\u0000float '
const pythonFloats = /"\\u0000float ([^"]+)"/g

/** A value inside objects inside an object; undefined where there is none. */
export function valueAt(json: JsonObject, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), json)
}
