/**
 * Configurations, beside transformers' `configuration_siglip.py`: the same fields and defaults, camelCase in programs and
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
export class SiglipTextConfig extends TextConfig {
  readonly modelType = 'siglip_text_model'

  /** @throws {ConfigError} naming the field, what it may be and what it is */
  constructor(fields: Fields<SiglipTextConfig> = {}) {
    super(new ConfigReader(fields, 'text_config'), 'siglip_text_model')
  }

  /**
   * The configuration that a file holds, in its spelling; what this class does not know is kept in `extra`.
   * @param json a parsed `config.json`: the tower's own, or a whole model's with a `text_config` in it
   * @throws {ConfigError} for a value that no model can have
   */
  static fromJSON(json: object): SiglipTextConfig {
    return new SiglipTextConfig(towerOf(json, 'text_config'))
  }

  /** @throws {FileError | ConfigError} */
  static async fromPretrained(folder: string | URL | CheckpointFolder): Promise<SiglipTextConfig> {
    return SiglipTextConfig.fromJSON(await readConfig(folder))
  }
}

/** The image tower. */
export class SiglipVisionConfig extends VisionConfig {
  readonly modelType = 'siglip_vision_model'
  /** Side of the picture in pixels. Default: 224. */
  readonly imageSize: number

  /** @throws {ConfigError} naming the field, what it may be and what it is */
  constructor(fields: Fields<SiglipVisionConfig> = {}) {
    const read = new ConfigReader(fields, 'vision_config')
    const imageSize = read.side('imageSize', 224)
    super(read, 'siglip_vision_model')
    this.imageSize = imageSize
    // Not "divides": so400m-patch14-384 has 27 patches of 14 in its 384 pixels, and leaves six pixels out.
    if (this.patchSize > imageSize) throw read.wrong('patchSize', `at most image_size, ${imageSize}`, this.patchSize)
  }

  /**
   * The configuration that a file holds, in its spelling; what this class does not know is kept in `extra`.
   * @param json a parsed `config.json`: the tower's own, or a whole model's with a `vision_config` in it
   * @throws {ConfigError} for a value that no model can have
   */
  static fromJSON(json: object): SiglipVisionConfig {
    return new SiglipVisionConfig(towerOf(json, 'vision_config'))
  }

  /** @throws {FileError | ConfigError} */
  static async fromPretrained(folder: string | URL | CheckpointFolder): Promise<SiglipVisionConfig> {
    return SiglipVisionConfig.fromJSON(await readConfig(folder))
  }
}

/** `SiglipConfig`'s fields; the towers may be configurations or their fields, and `numLabels` alone makes that many names. */
export type SiglipConfigFields = TwoTowerFields<SiglipConfig>

/** Both towers, and the labels of a classifier. */
export class SiglipConfig extends TwoTowerConfig {
  readonly modelType = 'siglip'
  readonly textConfig: SiglipTextConfig
  readonly visionConfig: SiglipVisionConfig

  /** @throws {ConfigError} naming the field, what it may be and what it is */
  constructor(fields: SiglipConfigFields = {}) {
    const read = new ConfigReader(fields, 'config.json')
    const textConfig = new SiglipTextConfig(partOf(read.object('textConfig')))
    const visionConfig = new SiglipVisionConfig(partOf(read.object('visionConfig')))
    super(read, 'siglip')
    this.textConfig = textConfig
    this.visionConfig = visionConfig
  }

  /** As in transformers: one model of two towers. Any of the other fields may be given, too. */
  static fromTextVisionConfigs(
    textConfig: SiglipTextConfig,
    visionConfig: SiglipVisionConfig,
    fields: Omit<SiglipConfigFields, 'textConfig' | 'visionConfig'> = {},
  ): SiglipConfig {
    return new SiglipConfig({ ...fields, textConfig, visionConfig })
  }

  /**
   * The configuration that a file holds, in its spelling; what this class does not know is kept in `extra`.
   * @param json a parsed `config.json`
   * @throws {ConfigError} for a value that no model can have
   */
  static fromJSON(json: object): SiglipConfig {
    return new SiglipConfig(json)
  }

  /** @throws {FileError | ConfigError} */
  static async fromPretrained(folder: string | URL | CheckpointFolder): Promise<SiglipConfig> {
    return SiglipConfig.fromJSON(await readConfig(folder))
  }
}
