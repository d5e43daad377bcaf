/**
 * Configurations, beside transformers' `configuration_siglip.py`: the same fields and defaults, camelCase in programs and
 * snake_case in files.
 *
 * @module
 */
import { ConfigError } from '../errors.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { activationNames } from '../layers/activation.js'
import type { EncoderConfig } from '../layers/encoder-config.js'
import { ConfigReader, isObject, type JsonObject } from './config-reader.js'
import { PretrainedConfig, readConfig, type Fields } from './pretrained-config.js'

/** The text tower. */
export class SiglipTextConfig extends PretrainedConfig implements EncoderConfig {
  readonly modelType = 'siglip_text_model'
  /** Number of token ids. Default: 32000. */
  readonly vocabSize: number
  /** Width of the residual stream. Default: 768. */
  readonly hiddenSize: number
  /** Width inside the MLPs. Default: 3072. */
  readonly intermediateSize: number
  /** Default: 12. */
  readonly numHiddenLayers: number
  /** Divides `hiddenSize`. Default: 12. */
  readonly numAttentionHeads: number
  /** Longest text in tokens. Default: 64. */
  readonly maxPositionEmbeddings: number
  /** Default: `gelu_pytorch_tanh`. */
  readonly hiddenAct: string
  /** Default: 1e-6. */
  readonly layerNormEps: number
  /** Default: 0. */
  readonly attentionDropout: number
  /** Default: 1. */
  readonly padTokenId: number | readonly number[] | null
  /** Default: 49406. */
  readonly bosTokenId: number | readonly number[] | null
  /** Default: 49407. */
  readonly eosTokenId: number | readonly number[] | null
  /** Width of the text embedding. Default: `hiddenSize`. */
  readonly projectionSize: number
  readonly extra: JsonObject

  /** @throws {ConfigError} naming the field, what it may be and what it is */
  constructor(fields: Fields<SiglipTextConfig> = {}) {
    super()
    const read = new ConfigReader(fields, 'text_config')
    read.oneOf('modelType', ['siglip_text_model'])
    this.vocabSize = read.integer('vocabSize', 32000)
    this.maxPositionEmbeddings = read.integer('maxPositionEmbeddings', 64)
    this.padTokenId = read.tokenId('padTokenId', 1)
    this.bosTokenId = read.tokenId('bosTokenId', 49406)
    this.eosTokenId = read.tokenId('eosTokenId', 49407)
    const encoder = readEncoderConfig(read)
    this.hiddenSize = encoder.hiddenSize
    this.intermediateSize = encoder.intermediateSize
    this.numHiddenLayers = encoder.numHiddenLayers
    this.numAttentionHeads = encoder.numAttentionHeads
    this.hiddenAct = encoder.hiddenAct
    this.layerNormEps = encoder.layerNormEps
    this.attentionDropout = encoder.attentionDropout
    this.projectionSize = read.integer('projectionSize', this.hiddenSize, { max: maxWidth })
    this.extra = read.rest()
  }

  /** @param json a parsed `config.json`: the tower's own, or a whole model's with a `text_config` in it */
  static fromJSON(json: object): SiglipTextConfig {
    return new SiglipTextConfig(towerOf(json, 'text_config'))
  }

  /** @throws {FileError | ConfigError} */
  static async fromPretrained(folder: string | URL | CheckpointFolder): Promise<SiglipTextConfig> {
    return SiglipTextConfig.fromJSON(await readConfig(folder))
  }
}

/** The image tower. */
export class SiglipVisionConfig extends PretrainedConfig implements EncoderConfig {
  readonly modelType = 'siglip_vision_model'
  /** Width of the residual stream, and of the image embedding. Default: 768. */
  readonly hiddenSize: number
  /** Width inside the MLPs. Default: 3072. */
  readonly intermediateSize: number
  /** Default: 12. */
  readonly numHiddenLayers: number
  /** Divides `hiddenSize`. Default: 12. */
  readonly numAttentionHeads: number
  /** Default: 3. */
  readonly numChannels: number
  /** Side of the picture in pixels. Default: 224. */
  readonly imageSize: number
  /** Side of a patch in pixels. Default: 16. */
  readonly patchSize: number
  /** Default: `gelu_pytorch_tanh`. */
  readonly hiddenAct: string
  /** Default: 1e-6. */
  readonly layerNormEps: number
  /** Default: 0. */
  readonly attentionDropout: number
  /** Whether the tower ends in the pooling head. Default: true. */
  readonly visionUseHead: boolean
  readonly extra: JsonObject

  /** @throws {ConfigError} naming the field, what it may be and what it is */
  constructor(fields: Fields<SiglipVisionConfig> = {}) {
    super()
    const read = new ConfigReader(fields, 'vision_config')
    read.oneOf('modelType', ['siglip_vision_model'])
    this.numChannels = read.integer('numChannels', 3, { max: 4096 })
    this.imageSize = read.side('imageSize', 224)
    this.patchSize = read.side('patchSize', 16)
    this.visionUseHead = read.boolean('visionUseHead', true)
    const encoder = readEncoderConfig(read)
    this.hiddenSize = encoder.hiddenSize
    this.intermediateSize = encoder.intermediateSize
    this.numHiddenLayers = encoder.numHiddenLayers
    this.numAttentionHeads = encoder.numAttentionHeads
    this.hiddenAct = encoder.hiddenAct
    this.layerNormEps = encoder.layerNormEps
    this.attentionDropout = encoder.attentionDropout
    this.extra = read.rest()
    // Not "divides": so400m-patch14-384 has 27 patches of 14 in its 384 pixels, and leaves six pixels out.
    if (this.patchSize > this.imageSize) {
      throw read.wrong('patchSize', `at most image_size, ${this.imageSize}`, this.patchSize)
    }
  }

  /** @param json a parsed `config.json`: the tower's own, or a whole model's with a `vision_config` in it */
  static fromJSON(json: object): SiglipVisionConfig {
    return new SiglipVisionConfig(towerOf(json, 'vision_config'))
  }

  /** @throws {FileError | ConfigError} */
  static async fromPretrained(folder: string | URL | CheckpointFolder): Promise<SiglipVisionConfig> {
    return SiglipVisionConfig.fromJSON(await readConfig(folder))
  }
}

const problemTypes = ['regression', 'single_label_classification', 'multi_label_classification'] as const

/** What a classifier's labels are: numbers, one class of several, or any number of classes. */
export type ProblemType = (typeof problemTypes)[number]

/** `SiglipConfig`'s fields; the towers may be configurations or their fields. */
export type SiglipConfigFields = Omit<Fields<SiglipConfig>, 'textConfig' | 'visionConfig'> & {
  readonly textConfig?: Fields<SiglipTextConfig> | undefined
  readonly visionConfig?: Fields<SiglipVisionConfig> | undefined
}

/** Both towers, and the labels of a classifier. */
export class SiglipConfig extends PretrainedConfig {
  readonly modelType = 'siglip'
  readonly textConfig: SiglipTextConfig
  readonly visionConfig: SiglipVisionConfig
  /** Scales the classifier's first weights. Default: 1. */
  readonly initializerFactor: number
  /** Default: told by the labels at the first loss. */
  readonly problemType: ProblemType | undefined
  /** The classes' names by their index. Default: `LABEL_0` and `LABEL_1`. */
  readonly id2label: Readonly<Record<string, string>> | undefined
  /** The classes' indices by their name. Default: `id2label` turned around. */
  readonly label2id: Readonly<Record<string, number>> | undefined
  readonly extra: JsonObject

  /**
   * @param fields `numLabels` alone makes that many names
   * @throws {ConfigError} naming the field, what it may be and what it is
   */
  constructor(fields: SiglipConfigFields = {}) {
    super()
    const read = new ConfigReader(fields, 'config.json')
    read.oneOf('modelType', ['siglip'])
    this.textConfig = new SiglipTextConfig(read.object('textConfig') ?? {})
    this.visionConfig = new SiglipVisionConfig(read.object('visionConfig') ?? {})
    this.initializerFactor = read.number('initializerFactor', 1)
    this.problemType = read.oneOf('problemType', problemTypes)
    const numLabels = read.integer('numLabels', 0, { min: 0, max: 2 ** 20 })
    this.id2label =
      read.record('id2label', (name): name is string => typeof name === 'string', 'names by index') ??
      namesOf(numLabels)
    this.label2id =
      read.record('label2id', (id): id is number => Number.isInteger(id), 'indices by name') ??
      turnedAround(this.id2label)
    this.extra = read.rest()
    if (this.id2label) checkLabels(this.id2label, numLabels)
    if (this.problemType === 'single_label_classification' && this.numLabels === 1) {
      throw read.wrong('problemType', 'regression for one label, or more labels', this.problemType)
    }
  }

  /** As in transformers: one model of two towers. Any of the other fields may be given, too. */
  static fromTextVisionConfigs(
    textConfig: SiglipTextConfig,
    visionConfig: SiglipVisionConfig,
    fields: Omit<Fields<SiglipConfig>, 'textConfig' | 'visionConfig'> = {},
  ): SiglipConfig {
    return new SiglipConfig({ ...fields, textConfig, visionConfig })
  }

  /** @param json a parsed `config.json` */
  static fromJSON(json: object): SiglipConfig {
    return new SiglipConfig(json)
  }

  /** @throws {FileError | ConfigError} */
  static async fromPretrained(folder: string | URL | CheckpointFolder): Promise<SiglipConfig> {
    return SiglipConfig.fromJSON(await readConfig(folder))
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

const maxWidth = 2 ** 20

/** The fields that both towers have. */
function readEncoderConfig(read: ConfigReader): EncoderConfig {
  const config = {
    hiddenSize: read.integer('hiddenSize', 768, { max: maxWidth }),
    intermediateSize: read.integer('intermediateSize', 3072, { max: maxWidth }),
    numHiddenLayers: read.integer('numHiddenLayers', 12, { min: 0, max: 1000 }),
    numAttentionHeads: read.integer('numAttentionHeads', 12),
    hiddenAct: read.oneOf('hiddenAct', activationNames) ?? 'gelu_pytorch_tanh',
    layerNormEps: read.number('layerNormEps', 1e-6, { min: 0, max: 1 }),
    attentionDropout: read.number('attentionDropout', 0, { min: 0, max: 1 }),
  }
  if (config.hiddenSize % config.numAttentionHeads !== 0) {
    throw read.wrong('numAttentionHeads', `a divisor of hidden_size, ${config.hiddenSize}`, config.numAttentionHeads)
  }
  return config
}

/** A tower's part of a whole model's configuration, or the tower's own. */
function towerOf(json: object, key: 'text_config' | 'vision_config'): object {
  const tower: unknown = key in json ? Reflect.get(json, key) : json
  if (isObject(tower)) return tower
  throw new ConfigError(`bad ${key}`, { expected: 'an object', where: 'config.json' })
}

function namesOf(numLabels: number): Readonly<Record<string, string>> | undefined {
  return numLabels === 0
    ? undefined
    : Object.fromEntries(Array.from({ length: numLabels }, (_, i) => [i, `LABEL_${i}`]))
}

function turnedAround(
  id2label: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, number>> | undefined {
  return id2label && Object.fromEntries(Object.entries(id2label).map(([id, name]) => [name, Number(id)]))
}

function checkLabels(id2label: Readonly<Record<string, string>>, numLabels: number): void {
  const count = Object.keys(id2label).length
  const gap = Array.from({ length: count }, (_, i) => i).find((i) => id2label[i] === undefined)
  if (gap !== undefined) {
    throw new ConfigError('bad id2label', {
      expected: `a name for each index from 0 to ${count - 1}`,
      found: `none for ${gap}`,
    })
  }
  if (numLabels > 0 && numLabels !== count) {
    throw new ConfigError('num_labels and id2label disagree', { expected: `${count} labels`, found: `${numLabels}` })
  }
}
