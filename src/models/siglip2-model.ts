import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import * as tf from '@tensorflow/tfjs'
import type { EncoderOptions } from '../layers/siglip-encoder.js'
import { loadPretrained, type LoadOptions } from './loading/load-pretrained.js'
import { Siglip2Config, type Siglip2ConfigFields } from './siglip2-config.js'
import { Siglip2TextModel } from './siglip2-text-model.js'
import { Siglip2VisionModel, type Siglip2VisionInputs } from './siglip2-vision-model.js'
import { TwoTowerModel, type TwoTowerModelOptions } from './two-tower-model.js'

/**
 * Both towers of SigLIP 2, and the logits of every picture with every text. As a tfjs layer it takes
 * `[inputIds, pixelValues, pixelAttentionMask, spatialShapes]` and returns `[logitsPerImage, logitsPerText]`.
 * Source: `Siglip2Model` of transformers' `modeling_siglip2.py`.
 */
export class Siglip2Model extends TwoTowerModel<
  Siglip2VisionInputs,
  EncoderOptions,
  Siglip2TextModel,
  Siglip2VisionModel
> {
  static readonly className = 'Siglip2Model'
  static {
    tf.serialization.registerClass(this)
  }

  readonly config: Siglip2Config

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(fields: Siglip2Config | Siglip2ConfigFields = {}, options: TwoTowerModelOptions = {}) {
    const config = fields instanceof Siglip2Config ? fields : new Siglip2Config(fields)
    super(
      options,
      (part) => new Siglip2TextModel(config.textConfig, part),
      (part) => new Siglip2VisionModel(config.visionConfig, part),
    )
    this.config = config
  }

  /** A checkpoint folder's model. */
  static fromPretrained(source: CheckpointSource, options?: LoadOptions): Promise<Siglip2Model> {
    return loadPretrained(Siglip2Model, Siglip2Config, source, options)
  }
}
