import { TwoTowerModel } from '../models/siglip/modeling.js'
import { InputError } from '../errors.js'
import { ClassificationObjective } from './classification-objective.js'
import { ContrastiveObjective, contrastiveLosses } from './contrastive-objective.js'
import { lossFacts } from './losses/loss-names.js'
import type { Objective } from './objective.js'
import type { TrainConfig } from './train-config.js'

/** What a model is trained to do. @throws {ConfigError} for a classifier whose classes have no names */
export function objectiveOf(config: TrainConfig): Objective {
  const { model, processor, loss, keepPatches, steps } = config
  if (!(model instanceof TwoTowerModel)) return new ClassificationObjective(model)
  if (!processor.tokenizer || loss === undefined)
    throw new InputError('A model of two towers needs a tokenizer and a loss')
  const { share, fullShare } = keepPatches
  return new ContrastiveObjective({
    model,
    tokenizer: processor.tokenizer,
    loss: typeof loss === 'function' ? loss : contrastiveLosses[loss],
    seesPairs: typeof loss === 'function' || lossFacts[loss].seesPairs,
    microBatches: config.microBatches,
    keptShare: (step) => (step >= steps * (1 - fullShare) ? 1 : share),
    matches: config.matches,
    seed: config.seed,
    onTruncated: config.onTruncated,
  })
}
