import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import * as tf from '@tensorflow/tfjs'
import { loadPretrained, type LoadOptions } from './loading/load-pretrained.js'
import { SiglipConfig, type SiglipConfigFields } from './siglip-config.js'
import { SiglipTextModel } from './siglip-text-model.js'
import { SiglipVisionModel, type SiglipVisionInputs, type SiglipVisionOptions } from './siglip-vision-model.js'
import { TwoTowerModel, type TwoTowerModelOptions } from './two-tower-model.js'

/**
 * Both towers, and the logits of every picture with every text. As a tfjs layer it takes
 * `[inputIds, pixelValues]` and returns `[logitsPerImage, logitsPerText]`.
 * Source: `SiglipModel` of transformers' `modeling_siglip.py`.
 */
export class SiglipModel extends TwoTowerModel<
  SiglipVisionInputs,
  SiglipVisionOptions,
  SiglipTextModel,
  SiglipVisionModel
> {
  static readonly className = 'SiglipModel'
  static {
    tf.serialization.registerClass(this)
  }

  readonly config: SiglipConfig

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(fields: SiglipConfig | SiglipConfigFields = {}, options: TwoTowerModelOptions = {}) {
    const config = fields instanceof SiglipConfig ? fields : new SiglipConfig(fields)
    super(
      options,
      (part) => new SiglipTextModel(config.textConfig, part),
      (part) => new SiglipVisionModel(config.visionConfig, part),
    )
    this.config = config
  }

  /** A checkpoint folder's model. */
  static fromPretrained(source: CheckpointSource, options?: LoadOptions): Promise<SiglipModel> {
    return loadPretrained(SiglipModel, SiglipConfig, source, options)
  }
}
