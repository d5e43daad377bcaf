import { ConfigError } from '../../errors.js'
import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import type { LoadOptions } from '../loading/load-pretrained.js'
import { readConfig } from '../loading/pretrained-config.js'
import { SiglipConfig, SiglipTextConfig, SiglipVisionConfig } from '../siglip/configuration.js'
import { Siglip2Config, Siglip2TextConfig, Siglip2VisionConfig } from '../siglip2/configuration.js'

/** Each `model_type` and its configuration. SigLIP 2 of one fixed size is a `siglip`: only NaFlex is a `siglip2`. */
const classes = {
  siglip: SiglipConfig,
  siglip_text_model: SiglipTextConfig,
  siglip_vision_model: SiglipVisionConfig,
  siglip2: Siglip2Config,
  siglip2_text_model: Siglip2TextConfig,
  siglip2_vision_model: Siglip2VisionConfig,
}

/** The configuration of any model of the family. */
export type AnyConfig = InstanceType<(typeof classes)[keyof typeof classes]>

/** Chooses a configuration by its `model_type`. */
export const AutoConfig = {
  /** @throws {ConfigError} for a `model_type` outside the family */
  fromJSON(json: object): AnyConfig {
    const type: unknown = 'model_type' in json ? json.model_type : undefined
    if (isModelType(type)) return classes[type].fromJSON(json)
    throw new ConfigError('The model is not a SigLIP model', {
      expected: `a model_type of ${Object.keys(classes).join(', ')}`,
      found: type === undefined ? 'none' : JSON.stringify(type),
      where: 'config.json',
    })
  },

  /** @throws {FileError | ConfigError} */
  async fromPretrained(
    folder: string | URL | CheckpointFolder,
    options: Pick<LoadOptions, 'heads'> = {},
  ): Promise<AnyConfig> {
    return AutoConfig.fromJSON(await readConfig(folder, options))
  },
}

const isModelType = (type: unknown): type is keyof typeof classes =>
  typeof type === 'string' && Object.hasOwn(classes, type)
