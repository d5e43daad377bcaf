import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import * as tf from '@tensorflow/tfjs'
import { ImageClassifier } from './image-classifier.js'
import { loadPretrained, type LoadOptions } from './loading/load-pretrained.js'
import type { ModelOptions } from './loading/pre-trained-model.js'
import { SiglipConfig, type SiglipConfigFields } from './siglip-config.js'
import { SiglipVisionModel, type SiglipVisionInputs, type SiglipVisionOptions } from './siglip-vision-model.js'

/**
 * The image tower with a linear layer on the mean of its patches. As a tfjs layer it takes
 * pictures `[batch, channels, height, width]` and returns logits `[batch, labels]`.
 * Source: `SiglipForImageClassification` of transformers' `modeling_siglip.py`.
 */
export class SiglipForImageClassification extends ImageClassifier<
  SiglipVisionInputs,
  SiglipVisionOptions,
  SiglipConfig,
  SiglipVisionModel
> {
  static readonly className = 'SiglipForImageClassification'
  static {
    tf.serialization.registerClass(this)
  }

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(fields: SiglipConfig | SiglipConfigFields = {}, options: ModelOptions = {}) {
    const config = fields instanceof SiglipConfig ? fields : new SiglipConfig(fields)
    super(config, options, (part) => new SiglipVisionModel(config.visionConfig, part))
  }

  /** A checkpoint folder's classifier. */
  static fromPretrained(source: CheckpointSource, options?: LoadOptions): Promise<SiglipForImageClassification> {
    return loadPretrained(SiglipForImageClassification, SiglipConfig, source, options)
  }

  protected pool(lastHiddenState: tf.Tensor3D): tf.Tensor2D {
    return tf.mean(lastHiddenState, 1)
  }
}
