import { ConfigError } from '../errors.js'
import { activationNames } from '../layers/activation.js'
import type { EncoderConfig } from '../layers/encoder-config.js'
import { isObject } from '../io/is-object.js'
import type { ConfigReader, JsonObject } from './loading/config-reader.js'
import { PretrainedConfig } from './loading/pretrained-config.js'

const maxWidth = 2 ** 20

/** What every tower has: an encoder. */
abstract class TowerConfig extends PretrainedConfig implements EncoderConfig {
  /** Width of the residual stream; of an image tower, also of its embedding. Default: 768. */
  readonly hiddenSize: number
  /** Width inside the MLPs. Default: 3072. */
  readonly intermediateSize: number
  /** Default: 12. */
  readonly numHiddenLayers: number
  /** Divides `hiddenSize`. Default: 12. */
  readonly numAttentionHeads: number
  /** Default: `gelu_pytorch_tanh`. */
  readonly hiddenAct: string
  /** Default: 1e-6. */
  readonly layerNormEps: number
  /** Default: 0. */
  readonly attentionDropout: number

  protected constructor(read: ConfigReader, modelType: string) {
    super()
    read.oneOf('modelType', [modelType])
    this.hiddenSize = read.integer('hiddenSize', 768, { max: maxWidth })
    this.intermediateSize = read.integer('intermediateSize', 3072, { max: maxWidth })
    this.numHiddenLayers = read.integer('numHiddenLayers', 12, { min: 0, max: 1000 })
    this.numAttentionHeads = read.integer('numAttentionHeads', 12)
    this.hiddenAct = read.oneOf('hiddenAct', activationNames) ?? 'gelu_pytorch_tanh'
    this.layerNormEps = read.number('layerNormEps', 1e-6, { min: 0, max: 1 })
    this.attentionDropout = read.number('attentionDropout', 0, { min: 0, max: 1 })
    if (this.hiddenSize % this.numAttentionHeads !== 0) {
      throw read.wrong('numAttentionHeads', `a divisor of hidden_size, ${this.hiddenSize}`, this.numAttentionHeads)
    }
  }
}

/** What the text towers of SigLIP and SigLIP 2 have in common: everything but the name. */
export abstract class TextConfig extends TowerConfig {
  /** Number of token ids. Default: 32000. */
  readonly vocabSize: number
  /** Longest text in tokens. Default: 64. */
  readonly maxPositionEmbeddings: number
  /** Default: 1. */
  readonly padTokenId: number | readonly number[] | null
  /** Default: 49406. */
  readonly bosTokenId: number | readonly number[] | null
  /** Default: 49407. */
  readonly eosTokenId: number | readonly number[] | null
  /** Width of the text embedding. Default: `hiddenSize`. */
  readonly projectionSize: number
  readonly extra: JsonObject

  protected constructor(read: ConfigReader, modelType: string) {
    super(read, modelType)
    this.vocabSize = read.integer('vocabSize', 32000)
    this.maxPositionEmbeddings = read.integer('maxPositionEmbeddings', 64)
    this.padTokenId = read.tokenId('padTokenId', 1)
    this.bosTokenId = read.tokenId('bosTokenId', 49406)
    this.eosTokenId = read.tokenId('eosTokenId', 49407)
    this.projectionSize = read.integer('projectionSize', this.hiddenSize, { max: maxWidth })
    this.extra = read.rest()
  }
}

/** What the image towers of SigLIP and SigLIP 2 have in common. */
export abstract class VisionConfig extends TowerConfig {
  /** Default: 3. */
  readonly numChannels: number
  /** Side of a patch in pixels. Default: 16. */
  readonly patchSize: number
  /** Whether the tower ends in the pooling head. Default: true. */
  readonly visionUseHead: boolean
  readonly extra: JsonObject

  protected constructor(read: ConfigReader, modelType: string) {
    super(read, modelType)
    this.numChannels = read.integer('numChannels', 3, { max: 4096 })
    this.patchSize = read.side('patchSize', 16)
    this.visionUseHead = read.boolean('visionUseHead', true)
    this.extra = read.rest()
  }
}

/** A tower's part of a whole model's configuration, or the tower's own. The part is of the whole's family, if that is SigLIP's. */
export function towerOf(json: object, key: 'text_config' | 'vision_config'): object {
  if (!(key in json)) return json
  const tower: unknown = Reflect.get(json, key)
  if (!isObject(tower)) throw new ConfigError(`bad ${key}`, { expected: 'an object', where: 'config.json' })
  const family: unknown = Reflect.get(json, 'model_type')
  if (family !== 'siglip' && family !== 'siglip2') return tower // another model's, with a SigLIP tower inside
  return { ...partOf(tower), modelType: `${family}_${key.replace('config', 'model')}` }
}

/** A tower's fields in a whole model's, without the `model_type` that they may have: as in transformers, nothing is asked of it. */
export function partOf(fields: object = {}): object {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== 'model_type' && key !== 'modelType'))
}
