import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import type { EncoderOptions } from '../layers/siglip-encoder.js'
import { SiglipVisionEmbeddings } from '../layers/siglip-vision-embeddings.js'
import { loadPretrained, type LoadOptions } from './loading/load-pretrained.js'
import type { VisionModelOutput } from './model-outputs.js'
import type { ModelOptions } from './loading/pre-trained-model.js'
import type { Fields } from './loading/pretrained-config.js'
import { SiglipVisionConfig } from './siglip-config.js'
import { idTensor, pixelTensor, type TensorInput } from './tensor-input.js'
import { VisionTower } from './vision-tower.js'

/** What the image tower takes. */
export interface SiglipVisionInputs {
  /** float32 `[batch, channels, height, width]`, as `SiglipImageProcessor` makes them. */
  readonly pixelValues: TensorInput
}

export interface SiglipVisionOptions extends EncoderOptions {
  /** Takes pictures of any size, the position embeddings being fitted to it. Default: false. */
  readonly interpolatePosEncoding?: boolean | undefined
  /**
   * The patches that are seen of each picture, int32 `[batch, kept]`, each once; the others are dropped (Li et al. 2023, "Scaling
   * Language-Image Pre-training via Masking", section 3). Default: all.
   */
  readonly keptPatches?: TensorInput | undefined
}

/**
 * The image tower. As a tfjs layer it takes pictures `[batch, channels, height, width]` and returns the image embedding
 * `[batch, hidden]`; without its head, the last hidden state `[batch, patches, hidden]`.
 * Source: `SiglipVisionModel` of transformers' `modeling_siglip.py`.
 */
export class SiglipVisionModel extends VisionTower<SiglipVisionInputs, SiglipVisionConfig, SiglipVisionEmbeddings> {
  static readonly className = 'SiglipVisionModel'
  static {
    tf.serialization.registerClass(this)
  }

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(fields: SiglipVisionConfig | Fields<SiglipVisionConfig> = {}, options: ModelOptions = {}) {
    const config = fields instanceof SiglipVisionConfig ? fields : new SiglipVisionConfig(fields)
    super(config, options, (...arguments_) => new SiglipVisionEmbeddings(...arguments_))
  }

  /** The image tower of a checkpoint folder, its own or a whole model's. */
  static fromPretrained(source: CheckpointSource, options?: LoadOptions): Promise<SiglipVisionModel> {
    return loadPretrained(SiglipVisionModel, SiglipVisionConfig, source, options)
  }

  /** @throws {InputError} for pictures of another shape than the configuration's, unless `interpolatePosEncoding` is set */
  forward(inputs: SiglipVisionInputs, options: SiglipVisionOptions = {}): VisionModelOutput {
    const { interpolatePosEncoding = false, keptPatches } = options
    return tf.tidy(() => {
      const pixelValues = pixelTensor(inputs.pixelValues, this.config.numChannels) // [batch, channels, height, width]
      this.checkSize(pixelValues, interpolatePosEncoding)

      const embedded = this.embeddings.forward(pixelValues, interpolatePosEncoding) // [batch, patches, hidden]
      const hiddenStates = keptPatches ? kept(embedded, keptPatches) : embedded // [batch, kept, hidden]
      return this.encode(hiddenStates, options)
    })
  }

  private checkSize(pixelValues: tf.Tensor4D, interpolatePosEncoding: boolean): void {
    const { imageSize, patchSize, numChannels } = this.config
    const [, , height, width] = pixelValues.shape
    const patches = (side: number): number => Math.floor(side / patchSize)
    if (
      interpolatePosEncoding
        ? patches(height) > 0 && patches(width) > 0
        : patches(height) === patches(imageSize) && patches(width) === patches(imageSize)
    )
      return
    throw new InputError('bad pixelValues', {
      expected: interpolatePosEncoding
        ? `sides of at least a patch, ${patchSize}`
        : `[batch, ${numChannels}, ${imageSize}, ${imageSize}]`,
      found: `[${pixelValues.shape.join(', ')}]`,
      hint: interpolatePosEncoding ? undefined : 'Resize the pictures, or set interpolatePosEncoding.',
    })
  }

  inputsOf([pixelValues]: readonly [tf.Tensor]): SiglipVisionInputs {
    return { pixelValues }
  }

  override computeOutputShape([batch = null]: tf.Shape): tf.Shape {
    const { hiddenSize, visionUseHead, imageSize, patchSize } = this.config
    return visionUseHead ? [batch, hiddenSize] : [batch, Math.floor(imageSize / patchSize) ** 2, hiddenSize]
  }
}

/** Some patches of each picture: of all pictures' patches in one row, so that the gradient is one sum over segments. */
function kept(patches: tf.Tensor3D, places: TensorInput): tf.Tensor3D {
  const [batch, count, hidden] = patches.shape
  const chosen = idTensor(places, 'keptPatches', count, 'They are places of patches.') // [batch, kept]
  const [rows, size] = chosen.shape
  if (rows !== batch) {
    throw new InputError('bad keptPatches', { expected: `[${batch}, kept]`, found: `[${rows}, ${size}]` })
  }
  const firsts = tf.range(0, batch * count, count, 'int32').as2D(batch, 1)
  const inRow = tf.reshape(tf.add(chosen, firsts), [batch * size])
  return tf.reshape(tf.gather(tf.reshape(patches, [batch * count, hidden]), inRow), [batch, size, hidden])
}
