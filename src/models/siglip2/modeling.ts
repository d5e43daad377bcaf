/**
 * What NaFlex differs in, beside transformers' `modeling_siglip2.py`: images of any aspect, as padded patches with a mask
 * (`vision-model.ts`). The text
 * tower and the model of both are `../siglip`'s.
 *
 * @module
 */
import * as tf from '@tensorflow/tfjs'
import { Linear } from '../../layers/linear.js'
import type { Module } from '../../layers/module.js'
import { toTensor } from '../../backend/tensor-input.js'
import type { ModelOptions } from '../loading/pre-trained-model.js'
import type { Fields } from '../loading/pretrained-config.js'
import { classifierOf, ImageClassifier } from '../siglip/image-classification.js'
import { TwoTowerModel, type TwoTowerModelOptions } from '../siglip/modeling.js'
import { TextTower } from '../siglip/text-model.js'
import { Siglip2Config, Siglip2TextConfig, type Siglip2ConfigFields } from './configuration.js'
import { Siglip2VisionEmbeddings, Siglip2VisionModel, type Siglip2VisionInputs } from './vision-model.js'

/** The text tower of SigLIP 2. Source: `Siglip2TextModel` of transformers' `modeling_siglip2.py`. */
export class Siglip2TextModel extends TextTower {
  static readonly className = 'Siglip2TextModel'
  static readonly configClass = Siglip2TextConfig
  declare readonly config: Siglip2TextConfig

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(config: Siglip2TextConfig | Fields<Siglip2TextConfig> = {}, options: ModelOptions = {}) {
    super(config instanceof Siglip2TextConfig ? config : new Siglip2TextConfig(config), options)
  }
}

/**
 * Both towers of SigLIP 2, and the logits of every image with every text. As a tfjs layer it takes
 * `[inputIds, pixelValues, pixelAttentionMask, spatialShapes]` and returns `[logitsPerImage, logitsPerText]`.
 * Source: `Siglip2Model` of transformers' `modeling_siglip2.py`.
 */
export class Siglip2Model extends TwoTowerModel<Siglip2VisionInputs> {
  static readonly className = 'Siglip2Model'
  static readonly configClass = Siglip2Config
  declare readonly config: Siglip2Config
  readonly textModel: Siglip2TextModel
  readonly visionModel: Siglip2VisionModel

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(fields: Siglip2Config | Siglip2ConfigFields = {}, options: TwoTowerModelOptions = {}) {
    const config = fields instanceof Siglip2Config ? fields : new Siglip2Config(fields)
    super(config, options)
    this.textModel = this.part('text_model', Siglip2TextModel, config.textConfig)
    this.visionModel = this.part('vision_model', Siglip2VisionModel, config.visionConfig)
  }
}

/**
 * The image tower of SigLIP 2 with a linear layer on the mean of each image's own patches. As a tfjs layer it takes
 * `[pixelValues, pixelAttentionMask, spatialShapes]` and returns logits `[batch, labels]`.
 * Source: `Siglip2ForImageClassification` of transformers' `modeling_siglip2.py`.
 */
export class Siglip2ForImageClassification extends ImageClassifier<Siglip2VisionInputs> {
  static readonly className = 'Siglip2ForImageClassification'
  static readonly configClass = Siglip2Config
  declare readonly config: Siglip2Config
  readonly visionModel: Siglip2VisionModel
  protected readonly classifier: Linear

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(fields: Siglip2Config | Siglip2ConfigFields = {}, options: ModelOptions = {}) {
    const config = fields instanceof Siglip2Config ? fields : new Siglip2Config(fields)
    super(config, options)
    this.visionModel = this.part('vision_model', Siglip2VisionModel, config.visionConfig)
    this.classifier = this.part('classifier', Linear, classifierOf(config))
  }

  protected pool(lastHiddenState: tf.Tensor3D, inputs: Siglip2VisionInputs): tf.Tensor2D {
    const mask = tf.expandDims(toTensor(inputs.pixelAttentionMask, 'pixelAttentionMask', 'float32'), -1) // [batch, patches, 1]
    return tf.div(tf.sum(tf.mul(lastHiddenState, mask), 1), tf.sum(mask, 1)) // [batch, hidden]
  }
}

const models = [Siglip2TextModel, Siglip2VisionModel, Siglip2Model, Siglip2ForImageClassification]
for (const Layer of [Siglip2VisionEmbeddings, ...models]) tf.serialization.registerClass<Module>(Layer)
