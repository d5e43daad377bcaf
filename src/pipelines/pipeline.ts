import { InputError } from '../errors.js'
import type { PretrainedSource } from '../models/load-pretrained.js'
import {
  zeroShotImageClassification,
  type ZeroShotImageClassificationPipeline,
} from './zero-shot-image-classification.js'

/** Each task, and what makes its pipeline. */
const tasks = { 'zero-shot-image-classification': zeroShotImageClassification }

/** The names of the tasks. */
export type Task = keyof typeof tasks

/**
 * A task's pipeline with the model of a checkpoint folder: from a user's input to a user's answer.
 *
 * @example
 *     const classify = await pipeline('zero-shot-image-classification', 'models/siglip-base-patch16-224')
 *     const [best] = await classify('cats.jpg', ['two cats', 'a dog'])
 *     console.log(best.label, best.score)
 *
 * @throws {InputError} for a task that there isn't; and as loading does
 */
export async function pipeline(
  task: 'zero-shot-image-classification',
  model: PretrainedSource,
): Promise<ZeroShotImageClassificationPipeline> {
  if (!Object.hasOwn(tasks, task)) {
    throw new InputError('unknown task', { expected: `one of ${Object.keys(tasks).join(', ')}`, found: task })
  }
  return tasks[task](model)
}
