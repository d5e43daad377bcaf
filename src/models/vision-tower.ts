import type * as tf from '@tensorflow/tfjs'
import type { EncoderOptions } from '../layers/siglip-encoder.js'
import type { VisionModelOutput } from './model-outputs.js'
import { PreTrainedModel } from './pre-trained-model.js'
import type { VisionConfig } from './tower-configs.js'

/** An image tower. What it takes, its `Inputs`, is what SigLIP and SigLIP 2 differ in. */
export abstract class VisionTower<Inputs> extends PreTrainedModel {
  static readonly prefix = 'vision_model'
  abstract override readonly config: VisionConfig

  abstract forward(inputs: Inputs, options?: EncoderOptions): VisionModelOutput

  /** The inputs of `forward`, out of the tensors that tfjs hands to a layer. */
  abstract inputsOf(tensors: readonly tf.Tensor[]): Inputs

  protected infer(tensors: readonly tf.Tensor[], training: boolean): tf.Tensor {
    const { poolerOutput, lastHiddenState } = this.forward(this.inputsOf(tensors), { training })
    return poolerOutput ?? lastHiddenState
  }
}
