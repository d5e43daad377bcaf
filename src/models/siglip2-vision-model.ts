import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import { additiveMask } from '../layers/siglip-attention.js'
import type { EncoderOptions } from '../layers/siglip-encoder.js'
import { Siglip2VisionEmbeddings } from '../layers/siglip2-vision-embeddings.js'
import { loadPretrained, type LoadOptions } from './loading/load-pretrained.js'
import type { VisionModelOutput } from './model-outputs.js'
import type { ModelOptions } from './loading/pre-trained-model.js'
import type { Fields } from './loading/pretrained-config.js'
import { Siglip2VisionConfig } from './siglip2-config.js'
import { checkValues, idTensor, toTensor, type TensorInput } from './tensor-input.js'
import { VisionTower } from './vision-tower.js'

/** Pictures of any aspect, cut into patches and padded to one number of them, as `Siglip2ImageProcessor` makes them. */
export interface Siglip2VisionInputs {
  /** float32 `[batch, patches, channels · patchSize²]` */
  readonly pixelValues: TensorInput
  /** int32 `[batch, patches]`: 1 for patches of the picture, 0 for padding. */
  readonly pixelAttentionMask: TensorInput
  /** int32 `[batch, 2]`: rows and columns of patches of each picture. */
  readonly spatialShapes: TensorInput
}

/**
 * The image tower of SigLIP 2 with NaFlex. As a tfjs layer it takes `[pixelValues, pixelAttentionMask, spatialShapes]` and returns the
 * image embedding `[batch, hidden]`; without its head, the last hidden state `[batch, patches, hidden]`.
 * Source: `Siglip2VisionModel` of transformers' `modeling_siglip2.py`.
 */
export class Siglip2VisionModel extends VisionTower<Siglip2VisionInputs, Siglip2VisionConfig, Siglip2VisionEmbeddings> {
  static readonly className = 'Siglip2VisionModel'
  static {
    tf.serialization.registerClass(this)
  }

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(fields: Siglip2VisionConfig | Fields<Siglip2VisionConfig> = {}, options: ModelOptions = {}) {
    const config = fields instanceof Siglip2VisionConfig ? fields : new Siglip2VisionConfig(fields)
    super(config, options, (...arguments_) => new Siglip2VisionEmbeddings(...arguments_))
  }

  /** The image tower of a checkpoint folder, its own or a whole model's. */
  static fromPretrained(source: CheckpointSource, options?: LoadOptions): Promise<Siglip2VisionModel> {
    return loadPretrained(Siglip2VisionModel, Siglip2VisionConfig, source, options)
  }

  /** @throws {InputError} for inputs of other shapes, or pictures of more patches than there is room for */
  forward(inputs: Siglip2VisionInputs, options: EncoderOptions = {}): VisionModelOutput {
    return tf.tidy(() => {
      const pixelValues = this.patches(inputs.pixelValues) // [batch, patches, channels · patchSize²]
      const [batch, patches] = pixelValues.shape
      const spatialShapes = idTensor(inputs.spatialShapes, 'spatialShapes', patches + 1, hint) // [batch, 2]
      const mask = idTensor(inputs.pixelAttentionMask, 'pixelAttentionMask', 2, hint) // [batch, patches]
      checkShape('spatialShapes', spatialShapes, [batch, 2])
      checkShape('pixelAttentionMask', mask, [batch, patches])
      const sides = { whole: false, least: 1, most: Infinity }
      checkValues(inputs.spatialShapes, 'spatialShapes', sides, 'at least one row and column of patches')
      const [rows, columns] = tf.split(tf.cast(spatialShapes, 'float32'), 2, 1)
      if (rows && columns) {
        const room = { whole: false, least: 0, most: patches }
        checkValues(tf.mul(rows, columns), 'spatialShapes', room, `at most ${patches} patches, the room in pixelValues`)
      }

      const hiddenStates = this.embeddings.forward(pixelValues, spatialShapes) // [batch, patches, hidden]
      return this.encode(hiddenStates, options, additiveMask(mask))
    })
  }

  private patches(input: TensorInput): tf.Tensor3D {
    const { numChannels, patchSize } = this.config
    const width = numChannels * patchSize ** 2
    const tensor = toTensor(input, 'pixelValues', 'float32')
    const [batch = 0, patches = 0, found]: readonly (number | undefined)[] = tensor.shape
    if (tensor.rank === 3 && found === width && batch > 0 && patches > 0) return tensor.as3D(batch, patches, width)
    throw new InputError('bad pixelValues', {
      expected: `[batch, patches, ${width}]`,
      found: `[${tensor.shape.join(', ')}]`,
      hint,
    })
  }

  inputsOf([pixelValues, pixelAttentionMask, spatialShapes]: readonly [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ]): Siglip2VisionInputs {
    return { pixelValues, pixelAttentionMask, spatialShapes }
  }

  override computeOutputShape([pixels = []]: tf.Shape[]): tf.Shape {
    const { hiddenSize, visionUseHead } = this.config
    const [batch = null, patches = null] = pixels
    return visionUseHead ? [batch, hiddenSize] : [batch, patches, hiddenSize]
  }
}

/** Where a tower's inputs come from. */
const hint = 'Siglip2ImageProcessor makes them.'

function checkShape(name: string, tensor: tf.Tensor2D, [rows, columns]: [number, number]): void {
  if (tensor.shape[0] === rows && tensor.shape[1] === columns) return
  throw new InputError(`bad ${name}`, { expected: `[${rows}, ${columns}]`, found: `[${tensor.shape.join(', ')}]` })
}
