import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import * as tf from '@tensorflow/tfjs'
import { loadPretrained, type LoadOptions } from './loading/load-pretrained.js'
import type { ModelOptions } from './loading/pre-trained-model.js'
import type { Fields } from './loading/pretrained-config.js'
import { Siglip2TextConfig } from './siglip2-config.js'
import { TextTower } from './text-tower.js'

/** The text tower of SigLIP 2. Source: `Siglip2TextModel` of transformers' `modeling_siglip2.py`. */
export class Siglip2TextModel extends TextTower<Siglip2TextConfig> {
  static readonly className = 'Siglip2TextModel'
  static {
    tf.serialization.registerClass(this)
  }

  /** Starts at random; `fromPretrained` loads trained weights. */
  constructor(config: Siglip2TextConfig | Fields<Siglip2TextConfig> = {}, options: ModelOptions = {}) {
    super(config instanceof Siglip2TextConfig ? config : new Siglip2TextConfig(config), options)
  }

  /** The text tower of a checkpoint folder, its own or a whole model's. */
  static fromPretrained(source: CheckpointSource, options?: LoadOptions): Promise<Siglip2TextModel> {
    return loadPretrained(Siglip2TextModel, Siglip2TextConfig, source, options)
  }
}
