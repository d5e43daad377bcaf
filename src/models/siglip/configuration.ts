/**
 * Configurations, beside transformers' `configuration_siglip.py`: the same fields and defaults, camelCase in programs and
 * snake_case in files. A value that no model can have is a `ConfigError` of the field, what it may be and what it is.
 */
import { activationNames } from '../../layers/activation.js'
import type { EncoderConfig } from '../../layers/attention.js'
import { partOf, problemTypes, readLabels, readSide, readTokenId, towerOf } from '../loading/config-fields.js'
import { PretrainedConfig, type Fields } from '../loading/pretrained-config.js'

const maxWidth = 2 ** 20

/** What every tower has: an encoder. */
abstract class TowerConfig extends PretrainedConfig implements EncoderConfig {
  /** Width of the residual stream; of an image tower, also of its embedding. Default: 768. */
  readonly hiddenSize = this.read.integer('hiddenSize', 768, { max: maxWidth })
  /** Width inside the MLPs. Default: 3072. */
  readonly intermediateSize = this.read.integer('intermediateSize', 3072, { max: maxWidth })
  /** Default: 12. */
  readonly numHiddenLayers = this.read.integer('numHiddenLayers', 12, { min: 0, max: 1000 })
  /** Divides `hiddenSize`. Default: 12. */
  readonly numAttentionHeads = this.read.integer('numAttentionHeads', 12)
  /** Default: `gelu_pytorch_tanh`. */
  readonly hiddenAct = this.read.oneOf('hiddenAct', activationNames, 'gelu_pytorch_tanh')
  /** Default: 1e-6. */
  readonly layerNormEps = this.read.number('layerNormEps', 1e-6, { min: 0, max: 1 })
  /** Share of attention weights dropped in training. Default: 0. */
  readonly attentionDropout = this.read.number('attentionDropout', 0, { min: 0, max: 1 })

  protected constructor(fields: object, modelType: string, where: string) {
    super(fields, modelType, where)
    if (this.hiddenSize % this.numAttentionHeads === 0) return
    throw this.read.wrong('numAttentionHeads', `a divisor of hidden_size, ${this.hiddenSize}`, this.numAttentionHeads)
  }
}

/** What the text towers of SigLIP and SigLIP 2 share: everything but the name. */
export abstract class TextConfig extends TowerConfig {
  /** Number of token ids. Default: 32000. */
  readonly vocabSize = this.read.integer('vocabSize', 32000)
  /** Longest text in tokens. Default: 64. */
  readonly maxPositionEmbeddings = this.read.integer('maxPositionEmbeddings', 64)
  /** Default: 1. */
  readonly padTokenId = readTokenId(this.read, 'padTokenId', 1)
  /** Default: 49406. */
  readonly bosTokenId = readTokenId(this.read, 'bosTokenId', 49406)
  /** Default: 49407. */
  readonly eosTokenId = readTokenId(this.read, 'eosTokenId', 49407)
  /** Width of the text embedding. Default: `hiddenSize`. */
  readonly projectionSize = this.read.integer('projectionSize', this.hiddenSize, { max: maxWidth })
}

/** What the image towers of SigLIP and SigLIP 2 share. */
export abstract class VisionConfig extends TowerConfig {
  /** Default: 3. */
  readonly numChannels = this.read.integer('numChannels', 3, { max: 4096 })
  /** Side of a patch in pixels. Default: 16. */
  readonly patchSize = readSide(this.read, 'patchSize', 16)
  /** Whether the tower ends in the pooling head. Default: true. */
  readonly visionUseHead = this.read.boolean('visionUseHead', true)
}

/** The text tower. */
export class SiglipTextConfig extends TextConfig {
  readonly modelType = 'siglip_text_model'
  readonly extra = this.read.rest()

  /** @throws {ConfigError} */
  constructor(fields: Fields<SiglipTextConfig> = {}) {
    super(fields, 'siglip_text_model', 'text_config')
  }

  /** The configuration in a parsed `config.json`: the tower's own, or a whole model's. @throws {ConfigError} */
  static fromJSON(json: object): SiglipTextConfig {
    return new SiglipTextConfig(towerOf(json, 'text_config'))
  }
}

/** The image tower. */
export class SiglipVisionConfig extends VisionConfig {
  readonly modelType = 'siglip_vision_model'
  /** Side of the image in pixels. Default: 224. */
  readonly imageSize = readSide(this.read, 'imageSize', 224)
  readonly extra = this.read.rest()

  /** @throws {ConfigError} */
  constructor(fields: Fields<SiglipVisionConfig> = {}) {
    super(fields, 'siglip_vision_model', 'vision_config')
    // Not "divides": so400m-patch14-384 has 27 patches of 14 in its 384 pixels, and leaves six pixels out.
    if (this.patchSize <= this.imageSize) return
    throw this.read.wrong('patchSize', `at most image_size, ${this.imageSize}`, this.patchSize)
  }

  /** The configuration in a parsed `config.json`: the tower's own, or a whole model's. @throws {ConfigError} */
  static fromJSON(json: object): SiglipVisionConfig {
    return new SiglipVisionConfig(towerOf(json, 'vision_config'))
  }
}

/** Patches along one side of the image; pixels beyond the last whole patch are dropped. */
export const gridSizeOf = ({ imageSize, patchSize }: Pick<SiglipVisionConfig, 'imageSize' | 'patchSize'>): number =>
  Math.floor(imageSize / patchSize)

/** A model's fields; the towers may be configurations or their fields, and `numLabels` without names makes default ones. */
export type TwoTowerFields<C extends TwoTowerConfig> = Omit<Fields<C>, 'textConfig' | 'visionConfig'> & {
  readonly textConfig?: Fields<C['textConfig']> | undefined
  readonly visionConfig?: Fields<C['visionConfig']> | undefined
}

/** Both towers, and the labels of a classifier. */
export abstract class TwoTowerConfig extends PretrainedConfig {
  abstract readonly textConfig: TextConfig
  abstract readonly visionConfig: VisionConfig
  /** Scales the classifier's first weights. Default: 1. */
  readonly initializerFactor = this.read.number('initializerFactor', 1)
  /** Default: found from the labels at the first loss, which sets it. */
  problemType = this.read.oneOf('problemType', problemTypes, undefined)
  readonly #labels = readLabels(this.read)
  /** The classes' names by their index; their number is that of the classes. Default: `LABEL_0` and `LABEL_1`. */
  readonly id2label = this.#labels.id2label
  /** The classes' indices by their name. Default: the inverse of `id2label`. */
  readonly label2id = this.#labels.label2id

  protected constructor(fields: object, modelType: string) {
    super(fields, modelType, 'config.json')
    if (this.problemType !== 'single_label_classification' || this.numLabels !== 1) return
    throw this.read.wrong('problemType', 'regression for one label, or more labels', this.problemType)
  }

  /** Number of classes. Default: 2, as in transformers. */
  get numLabels(): number {
    return this.id2label ? Object.keys(this.id2label).length : 2
  }

  /** The name of a class; `LABEL_3` for one that has none. */
  label(index: number): string {
    return this.id2label?.[index] ?? `LABEL_${index}`
  }
}

/** `SiglipConfig`'s fields; the towers may be configurations or their fields, and `numLabels` without names makes default ones. */
export type SiglipConfigFields = TwoTowerFields<SiglipConfig>

/** Both towers, and the labels of a classifier. */
export class SiglipConfig extends TwoTowerConfig {
  readonly modelType = 'siglip'
  readonly textConfig = new SiglipTextConfig(partOf(this.read.object('textConfig')))
  readonly visionConfig = new SiglipVisionConfig(partOf(this.read.object('visionConfig')))
  readonly extra = this.read.rest()

  /** @throws {ConfigError} */
  constructor(fields: SiglipConfigFields = {}) {
    super(fields, 'siglip')
  }

  /** One model of two towers, as in transformers. Any of the other fields may be given, too. */
  static fromTextVisionConfigs(
    textConfig: SiglipTextConfig,
    visionConfig: SiglipVisionConfig,
    fields: Omit<SiglipConfigFields, 'textConfig' | 'visionConfig'> = {},
  ): SiglipConfig {
    return new SiglipConfig({ ...fields, textConfig, visionConfig })
  }

  /** The configuration in a parsed `config.json`. @throws {ConfigError} */
  static fromJSON(json: object): SiglipConfig {
    return new SiglipConfig(json)
  }
}
