import { openFolder } from '#open-folder'
import { InputError } from '../errors.js'
import type { CheckpointFolder, CheckpointSource } from '../hub/checkpoint-folder.js'
import { hubOptions } from '../models/loading/load-pretrained.js'
import { aboutDefaultModel, defaultModel } from './default-model.js'
import { featureExtraction, type FeatureExtractionPipeline } from './feature-extraction.js'
import { imageClassification, type ImageClassificationPipeline } from './image-classification.js'
import { imageFeatureExtraction, type ImageFeatureExtractionPipeline } from './image-feature-extraction.js'
import type { PipelineOptions } from './pipeline-options.js'
import {
  zeroShotImageClassification,
  type ZeroShotImageClassificationPipeline,
} from './zero-shot-image-classification.js'

/** The tasks, by transformers' names, and what each is done by. */
export interface Pipelines {
  'zero-shot-image-classification': ZeroShotImageClassificationPipeline
  'image-classification': ImageClassificationPipeline
  'image-feature-extraction': ImageFeatureExtractionPipeline
  'feature-extraction': FeatureExtractionPipeline
}

/** The names of the tasks. */
export type Task = keyof Pipelines

const tasks: { readonly [T in Task]: (folder: CheckpointFolder, options: PipelineOptions) => Promise<Pipelines[T]> } = {
  'zero-shot-image-classification': zeroShotImageClassification,
  'image-classification': imageClassification,
  'image-feature-extraction': imageFeatureExtraction,
  'feature-extraction': featureExtraction,
}

/**
 * A task's pipeline with the model of a checkpoint folder: from a user's input to a user's answer. It takes one input, a list, or an
 * async iterable.
 *
 * @param model a folder, a URL, or a name on the Hugging Face Hub. Default: the bundled model.
 *
 * @example
 *     const classify = await pipeline('zero-shot-image-classification', 'google/siglip-base-patch16-224')
 *     const [best] = await classify('cats.jpg', ['two cats', 'a dog'])
 *     console.log(best.label, best.score)
 *
 * @throws {InputError} for a task that there isn't; and as loading does
 */
export async function pipeline<T extends Task>(
  task: T,
  model?: CheckpointSource,
  options: PipelineOptions = {},
): Promise<Pipelines[T]> {
  if (!Object.hasOwn(tasks, task)) {
    throw new InputError('unknown task', { expected: `one of ${Object.keys(tasks).join(', ')}`, found: task })
  }
  return tasks[task](await openFolder(model ?? embeddedModel(), hubOptions(options)), options)
}

function embeddedModel(): URL {
  console.warn(`siglip-tfjs: ${aboutDefaultModel}`)
  return defaultModel()
}
