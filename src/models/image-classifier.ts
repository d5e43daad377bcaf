import * as tf from '@tensorflow/tfjs'
import { normal } from '../layers/initializers.js'
import { Linear } from '../layers/linear.js'
import type { ParameterScope } from '../layers/parameter-scope.js'
import type { EncoderOptions } from '../layers/siglip-encoder.js'
import { classificationLoss, problemOf } from './classification-loss.js'
import type { ImageClassifierOutput } from './model-outputs.js'
import { PreTrainedModel, type ModelOptions } from './loading/pre-trained-model.js'
import type { TensorInput } from './tensor-input.js'
import type { TwoTowerConfig } from './two-tower-config.js'
import type { VisionTower } from './vision-tower.js'

/** What a classifier needs for its loss. */
export interface LabelOptions {
  /**
   * What the pictures show, for the loss. One class of several: int32 `[batch]`, −100 being left out; any number of classes:
   * float32 `[batch, labels]` of zeros and ones; regression: float32 `[batch]` or `[batch, labels]`.
   */
  readonly labels?: TensorInput | undefined
}

/** An image tower with a linear layer on the mean of its patches. As a tfjs layer it returns logits `[batch, labels]`. */
export abstract class ImageClassifier<
  Inputs,
  Options extends EncoderOptions,
  Config extends TwoTowerConfig,
  Vision extends VisionTower<Inputs>,
> extends PreTrainedModel {
  static readonly prefix = ''
  static readonly head = 'classifier'
  readonly visionModel: Vision
  private readonly classifier: Linear

  protected constructor(
    readonly config: Config,
    options: ModelOptions,
    makeVision: (options: { readonly scope: ParameterScope }) => Vision,
  ) {
    super(options)
    const { visionConfig, numLabels, initializerFactor } = config
    this.visionModel = this.part(makeVision({ scope: this.scope.at('vision_model') }))
    const weight = normal(visionConfig.hiddenSize ** -0.5 * initializerFactor)
    this.classifier = this.part(
      new Linear(
        { inFeatures: visionConfig.hiddenSize, outFeatures: numLabels, weight },
        { scope: this.scope.at('classifier') },
      ),
    )
  }

  /** The mean of a picture's patches: `[batch, patches, hidden]` → `[batch, hidden]` */
  protected abstract pool(lastHiddenState: tf.Tensor3D, inputs: Inputs): tf.Tensor2D

  /** @throws {InputError} as the image tower does, and for labels that don't fit the logits */
  forward(inputs: Inputs, options: (Options | EncoderOptions) & LabelOptions = {}): ImageClassifierOutput {
    return tf.tidy(() => {
      const { lastHiddenState, hiddenStates, attentions } = this.visionModel.forward(inputs, options)
      const logits = this.classifier.forward(this.pool(lastHiddenState, inputs)) // [batch, labels]
      const loss = options.labels ? { loss: this.loss(logits, options.labels) } : {}
      return { ...loss, logits, ...(hiddenStates && { hiddenStates }), ...(attentions && { attentions }) }
    })
  }

  /** As in transformers, the first loss settles the configuration's problem type. */
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
