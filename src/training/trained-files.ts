import { jsonFile } from '../../converters/configs/json-file.js'
import type { FileContent } from '../io/save-folder.js'
import type { PreTrainedModel } from '../models/loading/pre-trained-model.js'
import { TRAINED_WITH } from '../models/loading/trained-with.js'
import { lossFacts } from './losses/loss-names.js'
import type { TrainConfig } from './train-config.js'

/** A model's files, its configuration naming a loss that ranks, or no more so. A loss of the caller's changes nothing. */
export function trainedFiles(model: PreTrainedModel, loss: TrainConfig['loss']): Map<string, FileContent> {
  const files = model.toFiles()
  const config = files.get('config.json')
  if (typeof loss === 'function' || !('textModel' in model) || !(config instanceof Uint8Array)) return files
  const json = JSON.parse(new TextDecoder().decode(config)) as Readonly<Record<string, unknown>>
  return files.set(
    'config.json',
    jsonFile({ ...json, [TRAINED_WITH]: loss && lossFacts[loss].ranks ? loss : undefined }),
  )
}
