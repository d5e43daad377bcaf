import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import * as tf from '@tensorflow/tfjs'
import type { EncoderOptions } from '../layers/siglip-encoder.js'
import { ImageClassifier } from './image-classifier.js'
import { loadPretrained, type LoadOptions } from './loading/load-pretrained.js'
import type { ModelOptions } from './loading/pre-trained-model.js'
import { Siglip2Config, type Siglip2ConfigFields } from './siglip2-config.js'
import { Siglip2VisionModel, type Siglip2VisionInputs } from './siglip2-vision-model.js'
import { toTensor } from './tensor-input.js'

/**
 * The image tower of SigLIP 2 with a linear layer on the mean of each picture's own patches. As a tfjs layer it takes
 * `[pixelValues, pixelAttentionMask, spatialShapes]` and returns logits `[batch, labels]`.
 * Source: `Siglip2ForImageClassification` of transformers' `modeling_siglip2.py`.
 */
export class Siglip2ForImageClassification extends ImageClassifier<
  Siglip2VisionInputs,
  EncoderOptions,
  Siglip2Config,
  Siglip2VisionModel
> {
  static readonly className = 'Siglip2ForImageClassification'
  static {
    tf.serialization.registerClass(this)
  }

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(fields: Siglip2Config | Siglip2ConfigFields = {}, options: ModelOptions = {}) {
    const config = fields instanceof Siglip2Config ? fields : new Siglip2Config(fields)
    super(config, options, (part) => new Siglip2VisionModel(config.visionConfig, part))
  }

  /** A checkpoint folder's classifier. */
  static fromPretrained(source: CheckpointSource, options?: LoadOptions): Promise<Siglip2ForImageClassification> {
    return loadPretrained(Siglip2ForImageClassification, Siglip2Config, source, options)
  }

  protected pool(lastHiddenState: tf.Tensor3D, inputs: Siglip2VisionInputs): tf.Tensor2D {
    const mask = tf.expandDims(toTensor(inputs.pixelAttentionMask, 'pixelAttentionMask', 'float32'), -1) // [batch, patches, 1]
    return tf.div(tf.sum(tf.mul(lastHiddenState, mask), 1), tf.sum(mask, 1))
  }
}
