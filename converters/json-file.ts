import { ConfigError } from '../src/errors.js'
import { isObject } from '../src/is-object.js'
import type { CheckpointFolder } from '../src/hub/checkpoint-folder.js'
import { placeOf } from './file-source.js'

/** A parsed object of JSON, its values not yet checked. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Configurations are a few kilobytes; those with the names of many thousand classes, a few megabytes. */
const LARGEST = 2 ** 24

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
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new ConfigError('not JSON', { where, found: cause instanceof Error ? cause.message : undefined, cause })
  }
  if (isObject(json)) return json
  throw new ConfigError('not a configuration', { expected: 'an object', where })
}

/** A configuration's file. */
export function jsonFile(json: JsonObject): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify(json, undefined, 2).replace(wholeFloats, '$1.0')
  return new TextEncoder().encode(`${text}\n`)
}

/** Python tells a float by its point, which JavaScript leaves out of 1.0, and transformers takes no integer for one. */
const wholeFloats = /^( *"(?:initializer_factor|layer_norm_eps|attention_dropout)": \d+)(?=,?$)/gm

/** A value inside objects inside an object; undefined where there is none. */
export function valueAt(json: JsonObject, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), json)
}
