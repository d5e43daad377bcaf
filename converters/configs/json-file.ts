import { ConfigError } from '../../src/errors.js'
import { MAX_JSON_BYTES } from '../../src/hub/read-json.js'
import { isObject } from '../../src/io/is-object.js'
import type { JsonObject } from '../../src/io/json.js'

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
  if (bytes.length <= MAX_JSON_BYTES) return bytes
  throw new ConfigError('The configuration is too large', {
    expected: `at most ${MAX_JSON_BYTES} bytes`,
    found: `${bytes.length}`,
    hint: 'Shorten the names of the classes.',
  })
}

/**
 * Python recognizes a float by its point, which JavaScript leaves out of 1.0, and transformers takes no integer for one. Classes may have any
 * name, so `label2id` has none. `NaN` and infinities are written as Python does.
 */
const floats: ReadonlySet<string> = new Set(['initializer_factor', 'layer_norm_eps', 'attention_dropout'])

const MARK = '\u0000float '
const pythonFloats = /"\\u0000float ([^"]+)"/g

/** A value inside objects inside an object; undefined where there is none. */
export function valueAt(json: JsonObject, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), json)
}
