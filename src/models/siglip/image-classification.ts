import * as tf from '@tensorflow/tfjs'
import type { EncoderOptions } from '../../layers/encoder.js'
import { normal } from '../../layers/initializers.js'
import { Linear, type LinearSettings } from '../../layers/linear.js'
import type { TensorInput } from '../../backend/tensor-input.js'
import { PreTrainedModel, type ModelOptions } from '../loading/pre-trained-model.js'
import { classificationLoss, problemOf } from './classification-loss.js'
import { SiglipConfig, type SiglipConfigFields, type TwoTowerConfig } from './configuration.js'
import {
  SiglipVisionModel,
  type SiglipVisionInputs,
  type SiglipVisionOptions,
  type VisionTower,
} from './vision-model.js'

/** What a classifier needs for its loss. */
export interface LabelOptions {
  /**
   * The labels of the images, for the loss. One class of several: int32 `[batch]`, where −100 is ignored; any number of classes:
   * float32 `[batch, labels]` of zeros and ones; regression: float32 `[batch]` or `[batch, labels]`.
   */
  readonly labels?: TensorInput | undefined
}

/** What a classifier returns. Every tensor is the caller's to dispose. */
export type ImageClassifierOutput = {
  /** With labels: a scalar. */
  loss?: tf.Scalar
  /** `[batch, labels]` */
  logits: tf.Tensor2D
  /** With `outputHiddenStates`, as in `BaseModelOutputWithPooling`. */
  hiddenStates?: tf.Tensor3D[]
  /** With `outputAttentions`, as in `BaseModelOutputWithPooling`. */
  attentions?: tf.Tensor4D[]
}

/** An image tower with a linear layer on the mean of its patches. As a tfjs layer it returns logits `[batch, labels]`. */
export abstract class ImageClassifier<Inputs = unknown> extends PreTrainedModel<TwoTowerConfig> {
  static readonly prefix = ''
  static readonly head = 'classifier'
  abstract readonly visionModel: VisionTower<Inputs>
  /** `[batch, hidden]` → `[batch, labels]` */
  protected abstract readonly classifier: Linear

  /** The mean of an image's patches: `[batch, patches, hidden]` → `[batch, hidden]` */
  protected abstract pool(lastHiddenState: tf.Tensor3D, inputs: Inputs): tf.Tensor2D

  /** @throws {InputError} as the image tower does, and for labels that don't fit the logits */
  forward(inputs: Inputs, options: EncoderOptions & LabelOptions = {}): ImageClassifierOutput {
    return tf.tidy(() => {
      const { lastHiddenState, hiddenStates, attentions } = this.visionModel.forward(inputs, options)
      const logits = this.classifier.forward(this.pool(lastHiddenState, inputs)) // [batch, labels]
      const loss = options.labels ? { loss: this.loss(logits, options.labels) } : {}
      return { ...loss, logits, ...(hiddenStates && { hiddenStates }), ...(attentions && { attentions }) }
    })
  }

  /** As in transformers, the first loss sets the configuration's problem type. */
  private loss(logits: tf.Tensor2D, labels: TensorInput): tf.Scalar {
    const { problemType = problemOf(this.config.numLabels, labels) } = this.config
    const loss = classificationLoss(logits, labels, problemType)
    this.config.problemType = problemType
    return loss
  }

  protected infer(tensors: readonly tf.Tensor[], training: boolean): tf.Tensor {
    return this.forward(this.visionModel.inputsOf(tensors), { training }).logits
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch = null] = Array.isArray(inputShape[0]) ? inputShape[0] : (inputShape as tf.Shape)
    return [batch, this.config.numLabels]
  }
}

/** The sizes and first values of a classifier. */
export function classifierOf({ visionConfig, numLabels, initializerFactor }: TwoTowerConfig): LinearSettings {
  const { hiddenSize } = visionConfig
  return { inFeatures: hiddenSize, outFeatures: numLabels, weight: normal(hiddenSize ** -0.5 * initializerFactor) }
}

/**
 * The image tower with a linear layer on the mean of its patches. As a tfjs layer it takes
 * images `[batch, channels, height, width]` and returns logits `[batch, labels]`.
 * Source: `SiglipForImageClassification` of transformers' `modeling_siglip.py`.
 */
export class SiglipForImageClassification extends ImageClassifier<SiglipVisionInputs> {
  static readonly className = 'SiglipForImageClassification'
  static readonly configClass = SiglipConfig
  declare readonly config: SiglipConfig
  readonly visionModel: SiglipVisionModel
  protected readonly classifier: Linear

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(fields: SiglipConfig | SiglipConfigFields = {}, options: ModelOptions = {}) {
    const config = fields instanceof SiglipConfig ? fields : new SiglipConfig(fields)
    super(config, options)
    this.visionModel = this.part('vision_model', SiglipVisionModel, config.visionConfig)
    this.classifier = this.part('classifier', Linear, classifierOf(config))
  }

  override forward(inputs: SiglipVisionInputs, options?: SiglipVisionOptions & LabelOptions): ImageClassifierOutput {
    return super.forward(inputs, options)
  }

  protected pool(lastHiddenState: tf.Tensor3D): tf.Tensor2D {
    return tf.mean(lastHiddenState, 1)
  }
}

tf.serialization.registerClass(SiglipForImageClassification)
