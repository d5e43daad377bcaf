import { openFolder } from '#open-folder'
import { saveFolder } from '#save-folder'
import { configOf, type ConfigOptions } from '../../../converters/configs/config-of.js'
import { jsonFile } from '../../../converters/configs/json-file.js'
import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import { FieldReader, snakeCase, type JsonObject } from '../../io/field-reader.js'

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
  readonly #read: FieldReader

  /**
   * @param where the file or object, for messages
   * @throws {ConfigError} unless `fields` is an object, of this `model_type` if it has one
   */
  protected constructor(fields: object, modelType: string, where: string) {
    this.#read = new FieldReader(fields, where)
    this.#read.oneOf('modelType', [modelType], modelType)
  }

  /** Reads a field by its name, with its default and its limits. */
  protected get read(): FieldReader {
    return this.#read
  }

  /** The configuration of a checkpoint folder. @throws {FileError | ConfigError} */
  static async fromPretrained<C>(
    this: { fromJSON(json: object): C },
    folder: string | URL | CheckpointFolder,
  ): Promise<C> {
    return this.fromJSON(await readConfig(folder))
  }

  /** The configuration in the form of `config.json`. */
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

  /** What `savePretrained` writes: file names and their bytes. */
  toFiles(): Map<string, Uint8Array> {
    return new Map([['config.json', jsonFile(this.toJSON())]])
  }
}

/**
 * The configuration of a checkpoint folder in the form of `config.json`: that file, or inferred from other packages' files and the weights.
 * @throws {FileError | ConfigError | FormatError}
 */
export async function readConfig(
  source: string | URL | CheckpointFolder,
  options: ConfigOptions = {},
): Promise<object> {
  return configOf(await openFolder(source), undefined, options)
}
