import type { CheckpointSource } from '../../hub/checkpoint-folder.js'
import { openFolder } from '#open-folder'
import { ConfigError } from '../../errors.js'
import { AutoConfig } from './auto-config.js'
import { hubOptions, type LoadOptions } from '../loading/load-pretrained.js'
import { SiglipForImageClassification } from '../siglip/image-classification.js'
import { SiglipModel } from '../siglip/modeling.js'
import { SiglipTextModel } from '../siglip/text-model.js'
import { SiglipVisionModel } from '../siglip/vision-model.js'
import { Siglip2ForImageClassification, Siglip2Model, Siglip2TextModel } from '../siglip2/modeling.js'
import { Siglip2VisionModel } from '../siglip2/vision-model.js'

interface Loader<M> {
  fromPretrained(source: CheckpointSource, options?: LoadOptions): Promise<M>
}

/** A class that loads whichever model a checkpoint folder's `model_type` names. */
function auto<M>(name: string, loaders: Readonly<Record<string, Loader<M>>>): Loader<M> {
  return {
    async fromPretrained(source, options = {}) {
      const folder = await openFolder(source, hubOptions(options))
      const { modelType } = await AutoConfig.fromPretrained(folder, options)
      const loader = loaders[modelType]
      if (loader) return loader.fromPretrained(folder, options)
      throw new ConfigError(`${name} has no class for this`, {
        expected: `a model_type of ${Object.keys(loaders).join(', ')}`,
        found: modelType,
        where: `${folder.location}/config.json`,
      })
    },
  }
}

/** Both towers, or the one that the checkpoint has. */
export const AutoModel = auto<
  SiglipModel | SiglipTextModel | SiglipVisionModel | Siglip2Model | Siglip2TextModel | Siglip2VisionModel
>('AutoModel', {
  siglip: SiglipModel,
  siglip_text_model: SiglipTextModel,
  siglip_vision_model: SiglipVisionModel,
  siglip2: Siglip2Model,
  siglip2_text_model: Siglip2TextModel,
  siglip2_vision_model: Siglip2VisionModel,
})

/** Both towers. */
export const AutoModelForZeroShotImageClassification = auto<SiglipModel | Siglip2Model>(
  'AutoModelForZeroShotImageClassification',
  { siglip: SiglipModel, siglip2: Siglip2Model },
)

/** The image tower with a classifier. */
export const AutoModelForImageClassification = auto<SiglipForImageClassification | Siglip2ForImageClassification>(
  'AutoModelForImageClassification',
  { siglip: SiglipForImageClassification, siglip2: Siglip2ForImageClassification },
)
