import type { PretrainedConfig } from './pretrained-config.js'

/** The key of `config.json` that names the loss a model of two towers was trained with last, where its scores depend on it. */
export const TRAINED_WITH = 'trained_with'

/**
 * Whether a model was trained with softmax over the pairs of a batch, as CLIP: its logits then rank several labels, and their sigmoid
 * means nothing.
 */
export function isTrainedWithSoftmax({ extra }: Pick<PretrainedConfig, 'extra'>): boolean {
  return extra[TRAINED_WITH] === 'softmax'
}
