import { InputError } from '../errors.js'
import { TwoTowerModel } from '../models/siglip/modeling.js'
import { ClassificationObjective } from './classification-objective.js'
import { ContrastiveObjective, contrastiveLosses } from './contrastive-objective.js'
import type { Objective } from './objective.js'
import type { TrainOptions } from './train-options.js'

/**
 * What a model is trained to do.
 * @throws {InputError} for options that it can't have
 */
export function objectiveOf(options: TrainOptions, steps: number): Objective {
  const { model, processor, loss = 'sigmoid', parts = 1, seed = 0, keepPatches, matches } = options
  if (!(model instanceof TwoTowerModel)) {
    for (const [name, value] of Object.entries({ parts: options.parts, keepPatches, matches })) {
      if (value === undefined) continue
      throw new InputError(`${name} of a classifier`, { hint: 'Only trainings of both towers have it: leave it out.' })
    }
    return new ClassificationObjective(model)
  }
  if (!processor.tokenizer) throw new InputError('no tokenizer', { hint: 'Both towers need a whole processor.' })
  const { share = 1, fullShare = 0.1 } = keepPatches ?? {}
  if (!(share > 0 && share <= 1 && fullShare >= 0 && fullShare <= 1)) {
    throw new InputError('bad keepPatches', { expected: 'shares above 0, to 1', found: `${share} and ${fullShare}` })
  }
  return new ContrastiveObjective({
    model,
    tokenizer: processor.tokenizer,
    loss: typeof loss === 'function' ? loss : contrastiveLosses[loss],
    seesPairs: loss !== 'chunked',
    parts,
    keptShare: (step) => (step >= steps * (1 - fullShare) ? 1 : share),
    matches,
    seed,
    onTruncated: options.onTruncated,
  })
}
