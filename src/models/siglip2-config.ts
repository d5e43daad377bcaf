/**
 * Configurations, beside transformers' `configuration_siglip2.py`: the same fields and defaults, camelCase in programs and
 * snake_case in files.
 *
 * @module
 */
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { ConfigReader } from './loading/config-reader.js'
import { readConfig, type Fields } from './loading/pretrained-config.js'
import { partOf, TextConfig, towerOf, VisionConfig } from './tower-configs.js'
import { TwoTowerConfig, type TwoTowerFields } from './two-tower-config.js'

/** The text tower. */
export class Siglip2TextConfig extends TextConfig {
  readonly modelType = 'siglip2_text_model'

  /** @throws {ConfigError} naming the field, what it may be and what it is */
  constructor(fields: Fields<Siglip2TextConfig> = {}) {
    super(new ConfigReader(fields, 'text_config'), 'siglip2_text_model')
  }

  /**
   * The configuration that a file holds, in its spelling; what this class does not know is kept in `extra`.
   * @param json a parsed `config.json`: the tower's own, or a whole model's with a `text_config` in it
   * @throws {ConfigError} for a value that no model can have
   */
  static fromJSON(json: object): Siglip2TextConfig {
    return new Siglip2TextConfig(towerOf(json, 'text_config'))
  }

  /** @throws {FileError | ConfigError} */
  static async fromPretrained(folder: string | URL | CheckpointFolder): Promise<Siglip2TextConfig> {
    return Siglip2TextConfig.fromJSON(await readConfig(folder))
  }
}

/** The image tower. */
export class Siglip2VisionConfig extends VisionConfig {
  readonly modelType = 'siglip2_vision_model'
  /** Patches of the square that the position embeddings were trained for; its root is a whole number. Default: 256. */
  readonly numPatches: number

  /** @throws {ConfigError} naming the field, what it may be and what it is */
  constructor(fields: Fields<Siglip2VisionConfig> = {}) {
    const read = new ConfigReader(fields, 'vision_config')
    const numPatches = read.integer('numPatches', 256, { max: 2 ** 24 })
    super(read, 'siglip2_vision_model')
    this.numPatches = numPatches
    if (!Number.isInteger(Math.sqrt(numPatches))) throw read.wrong('numPatches', 'a square number', numPatches)
  }

  /**
   * The configuration that a file holds, in its spelling; what this class does not know is kept in `extra`.
   * @param json a parsed `config.json`: the tower's own, or a whole model's with a `vision_config` in it
   * @throws {ConfigError} for a value that no model can have
   */
  static fromJSON(json: object): Siglip2VisionConfig {
    return new Siglip2VisionConfig(towerOf(json, 'vision_config'))
  }

  /** @throws {FileError | ConfigError} */
  static async fromPretrained(folder: string | URL | CheckpointFolder): Promise<Siglip2VisionConfig> {
    return Siglip2VisionConfig.fromJSON(await readConfig(folder))
  }
}

/** `Siglip2Config`'s fields; the towers may be configurations or their fields, and `numLabels` alone makes that many names. */
export type Siglip2ConfigFields = TwoTowerFields<Siglip2Config>

/** Both towers, and the labels of a classifier. */
export class Siglip2Config extends TwoTowerConfig {
  readonly modelType = 'siglip2'
  readonly textConfig: Siglip2TextConfig
  readonly visionConfig: Siglip2VisionConfig

  /** @throws {ConfigError} naming the field, what it may be and what it is */
  constructor(fields: Siglip2ConfigFields = {}) {
    const read = new ConfigReader(fields, 'config.json')
    const textConfig = new Siglip2TextConfig(partOf(read.object('textConfig')))
    const visionConfig = new Siglip2VisionConfig(partOf(read.object('visionConfig')))
    super(read, 'siglip2')
    this.textConfig = textConfig
    this.visionConfig = visionConfig
  }

  /** As in transformers: one model of two towers. Any of the other fields may be given, too. */
  static fromTextVisionConfigs(
    textConfig: Siglip2TextConfig,
    visionConfig: Siglip2VisionConfig,
    fields: Omit<Siglip2ConfigFields, 'textConfig' | 'visionConfig'> = {},
  ): Siglip2Config {
    return new Siglip2Config({ ...fields, textConfig, visionConfig })
  }

  /**
   * The configuration that a file holds, in its spelling; what this class does not know is kept in `extra`.
   * @param json a parsed `config.json`
   * @throws {ConfigError} for a value that no model can have
   */
  static fromJSON(json: object): Siglip2Config {
    return new Siglip2Config(json)
  }

  /** @throws {FileError | ConfigError} */
  static async fromPretrained(folder: string | URL | CheckpointFolder): Promise<Siglip2Config> {
    return Siglip2Config.fromJSON(await readConfig(folder))
  }
}
