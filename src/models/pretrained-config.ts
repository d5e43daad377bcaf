import { ConfigError } from '../errors.js'
import { openFolder } from '#open-folder'
import { saveFolder } from '#save-folder'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { isObject, snakeCase, type JsonObject } from './config-reader.js'

/** A configuration's fields as its constructor takes them: all optional, each with its default. */
export type Fields<T> = {
  readonly [K in keyof T as T[K] extends (...args: never) => unknown ? never : K]?: T[K] | undefined
}

/** What every configuration has. */
export abstract class PretrainedConfig {
  /** `model_type` in the file. */
  abstract readonly modelType: string
  /** Keys of the file that this package has no use for; they are written back. */
  abstract readonly extra: JsonObject

  /** The configuration as `config.json` has it. */
  toJSON(): JsonObject {
    const { extra, ...fields } = this
    const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
    const known = Object.fromEntries(entries.map(([key, value]) => [snakeCase(key), value]))
    return { ...extra, ...(JSON.parse(JSON.stringify(known)) as JsonObject) } // the towers' configurations through their own toJSON
  }

  /** Writes `config.json` into the folder, which is made if it isn't there. */
  async savePretrained(folder: string): Promise<void> {
    await saveFolder(folder, this.toFiles())
  }

  /**
   * What `savePretrained` writes: file names and their bytes.
   * @param more keys beside the configuration's own
   */
  toFiles(more: JsonObject = {}): Map<string, Uint8Array> {
    const text = JSON.stringify({ ...this.toJSON(), ...more }, null, 2).replace(wholeFloats, '$1.0')
    return new Map([['config.json', new TextEncoder().encode(`${text}\n`)]])
  }
}

/** Python tells a float by its point, which JavaScript leaves out of 1.0, and transformers takes no integer for one. */
const wholeFloats = /^( *"(?:initializer_factor|layer_norm_eps|attention_dropout)": \d+)(?=,?$)/gm

/**
 * `config.json` of a checkpoint folder, parsed.
 * @throws {FileError | ConfigError}
 */
export async function readConfig(source: string | URL | CheckpointFolder): Promise<object> {
  const folder = await openFolder(source)
  const text = new TextDecoder().decode(await folder.bytes('config.json'))
  const where = `${folder.location}/config.json`
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new ConfigError('not JSON', { where, found: cause instanceof Error ? cause.message : undefined, cause })
  }
  if (isObject(json)) return json
  throw new ConfigError('not a configuration', { expected: 'an object', where })
}
