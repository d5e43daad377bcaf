/**
 * Configurations, beside transformers' `configuration_siglip2.py`: what differs from `../siglip/configuration.ts` is the names, and the
 * number of patches in place of the image's size.
 *
 * @module
 */
import { partOf, towerOf } from '../loading/config-fields.js'
import type { Fields } from '../loading/pretrained-config.js'
import { TextConfig, TwoTowerConfig, VisionConfig, type TwoTowerFields } from '../siglip/configuration.js'

/** The text tower. */
export class Siglip2TextConfig extends TextConfig {
  readonly modelType = 'siglip2_text_model'
  readonly extra = this.read.rest()

  /** @throws {ConfigError} */
  constructor(fields: Fields<Siglip2TextConfig> = {}) {
    super(fields, 'siglip2_text_model', 'text_config')
  }

  /** The configuration in a parsed `config.json`: the tower's own, or a whole model's. @throws {ConfigError} */
  static fromJSON(json: object): Siglip2TextConfig {
    return new Siglip2TextConfig(towerOf(json, 'text_config'))
  }
}

/** The image tower. */
export class Siglip2VisionConfig extends VisionConfig {
  readonly modelType = 'siglip2_vision_model'
  /** Patches of the square that the position embeddings were trained for; its root is a whole number. Default: 256. */
  readonly numPatches = this.read.integer('numPatches', 256, { max: 2 ** 24 })
  readonly extra = this.read.rest()

  /** @throws {ConfigError} */
  constructor(fields: Fields<Siglip2VisionConfig> = {}) {
    super(fields, 'siglip2_vision_model', 'vision_config')
    if (Number.isInteger(Math.sqrt(this.numPatches))) return
    throw this.read.wrong('numPatches', 'a square number', this.numPatches)
  }

  /** The configuration in a parsed `config.json`: the tower's own, or a whole model's. @throws {ConfigError} */
  static fromJSON(json: object): Siglip2VisionConfig {
    return new Siglip2VisionConfig(towerOf(json, 'vision_config'))
  }
}

/** `Siglip2Config`'s fields; the towers may be configurations or their fields, and `numLabels` without names makes default ones. */
export type Siglip2ConfigFields = TwoTowerFields<Siglip2Config>

/** Both towers, and the labels of a classifier. */
export class Siglip2Config extends TwoTowerConfig {
  readonly modelType = 'siglip2'
  readonly textConfig = new Siglip2TextConfig(partOf(this.read.object('textConfig')))
  readonly visionConfig = new Siglip2VisionConfig(partOf(this.read.object('visionConfig')))
  readonly extra = this.read.rest()

  /** @throws {ConfigError} */
  constructor(fields: Siglip2ConfigFields = {}) {
    super(fields, 'siglip2')
  }

  /** One model of two towers, as in transformers. Any of the other fields may be given, too. */
  static fromTextVisionConfigs(
    textConfig: Siglip2TextConfig,
    visionConfig: Siglip2VisionConfig,
    fields: Omit<Siglip2ConfigFields, 'textConfig' | 'visionConfig'> = {},
  ): Siglip2Config {
    return new Siglip2Config({ ...fields, textConfig, visionConfig })
  }

  /** The configuration in a parsed `config.json`. @throws {ConfigError} */
  static fromJSON(json: object): Siglip2Config {
    return new Siglip2Config(json)
  }
}
