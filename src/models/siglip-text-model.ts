import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import * as tf from '@tensorflow/tfjs'
import { loadPretrained, type LoadOptions } from './loading/load-pretrained.js'
import type { ModelOptions } from './loading/pre-trained-model.js'
import type { Fields } from './loading/pretrained-config.js'
import { SiglipTextConfig } from './siglip-config.js'
import { TextTower } from './text-tower.js'

/** The text tower. Source: `SiglipTextModel` of transformers' `modeling_siglip.py`. */
export class SiglipTextModel extends TextTower<SiglipTextConfig> {
  static readonly className = 'SiglipTextModel'
  static {
    tf.serialization.registerClass(this)
  }

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(config: SiglipTextConfig | Fields<SiglipTextConfig> = {}, options: ModelOptions = {}) {
    super(config instanceof SiglipTextConfig ? config : new SiglipTextConfig(config), options)
  }

  /** The text tower of a checkpoint folder, its own or a whole model's. */
  static fromPretrained(source: CheckpointSource, options?: LoadOptions): Promise<SiglipTextModel> {
    return loadPretrained(SiglipTextModel, SiglipTextConfig, source, options)
  }
}
