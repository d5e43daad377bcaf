import type { PretrainedConfig } from './pretrained-config.js'

/** The key of `config.json` that names the loss a model of two towers was trained with last, where its scores depend on it. */
export const TRAINED_WITH = 'trained_with'

/** Losses over all pairs of a batch, as CLIP's: the logits rank several labels, and their sigmoid means nothing. */
export const RANKING_LOSSES = ['softmax'] as const

/** Whether a model was trained with one of {@link RANKING_LOSSES}. */
export function isTrainedToRank({ extra }: Pick<PretrainedConfig, 'extra'>): boolean {
  return RANKING_LOSSES.some((loss) => loss === extra[TRAINED_WITH])
}
