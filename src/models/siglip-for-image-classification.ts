import * as tf from '@tensorflow/tfjs'
import { normal } from '../layers/initializers.js'
import { Linear } from '../layers/linear.js'
import { classificationLoss } from './classification-loss.js'
import { loadPretrained, type LoadOptions, type PretrainedSource } from './load-pretrained.js'
import type { ImageClassifierOutput } from './model-outputs.js'
import { PreTrainedModel, type ModelOptions } from './pre-trained-model.js'
import { SiglipConfig, type SiglipConfigFields } from './siglip-config.js'
import { SiglipVisionModel, type SiglipVisionInputs, type SiglipVisionOptions } from './siglip-vision-model.js'
import type { TensorInput } from './tensor-input.js'

export interface ClassificationOptions extends SiglipVisionOptions {
  /**
   * What the pictures show, for the loss. One class of several: int32 `[batch]`, −100 being left out; any number of classes:
   * float32 `[batch, labels]` of zeros and ones; regression: float32 `[batch]` or `[batch, labels]`.
   */
  readonly labels?: TensorInput | undefined
}

/**
 * The image tower with a linear layer on the mean of its patches. As a tfjs layer it takes pictures
 * `[batch, channels, height, width]` and returns logits `[batch, labels]`.
 * Source: `SiglipForImageClassification` of transformers' `modeling_siglip.py`.
 */
export class SiglipForImageClassification extends PreTrainedModel {
  static readonly className = 'SiglipForImageClassification'
  static readonly prefix = ''
  static {
    tf.serialization.registerClass(this)
  }

  readonly config: SiglipConfig
  readonly visionModel: SiglipVisionModel
  private readonly classifier: Linear

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(config: SiglipConfig | SiglipConfigFields = {}, options: ModelOptions = {}) {
    super(options)
    this.config = config instanceof SiglipConfig ? config : new SiglipConfig(config)
    const { visionConfig, numLabels, initializerFactor } = this.config
    this.visionModel = this.part(new SiglipVisionModel(visionConfig, { scope: this.scope.at('vision_model') }))
    const weight = normal(visionConfig.hiddenSize ** -0.5 * initializerFactor)
    this.classifier = this.part(
      new Linear(
        { inFeatures: visionConfig.hiddenSize, outFeatures: numLabels, weight },
        { scope: this.scope.at('classifier') },
      ),
    )
  }

  /** A checkpoint folder's classifier. */
  static fromPretrained(source: PretrainedSource, options?: LoadOptions): Promise<SiglipForImageClassification> {
    return loadPretrained(SiglipForImageClassification, SiglipConfig, source, options)
  }

  /** @throws {InputError} as the image tower does, and for labels that don't fit the logits */
  forward(inputs: SiglipVisionInputs, options: ClassificationOptions = {}): ImageClassifierOutput {
    return tf.tidy(() => {
      const { lastHiddenState, hiddenStates, attentions } = this.visionModel.forward(inputs, options)
      const pooled: tf.Tensor2D = tf.mean(lastHiddenState, 1) // [batch, hidden]
      const logits = this.classifier.forward(pooled) // [batch, labels]
      const loss = options.labels ? { loss: classificationLoss(logits, options.labels, this.config.problemType) } : {}
      return { ...loss, logits, ...(hiddenStates && { hiddenStates }), ...(attentions && { attentions }) }
    })
  }

  protected infer([pixelValues]: readonly [tf.Tensor], training: boolean): tf.Tensor {
    return this.forward({ pixelValues }, { training }).logits
  }

  override computeOutputShape([batch = null]: tf.Shape): tf.Shape {
    return [batch, this.config.numLabels]
  }
}
