import type { RANKING_LOSSES } from '../../models/loading/trained-with.js'

/** Losses of both towers that have a name. The formulas are `contrastiveLosses`. */
export const CONTRASTIVE_LOSSES = ['sigmoid', 'softmax', 'chunked'] as const

/** A loss of both towers by its name. */
export type ContrastiveLossName = (typeof CONTRASTIVE_LOSSES)[number]

/** Losses of a classifier: one class of several for an image, or any number of them. */
export const CLASSIFIER_LOSSES = ['classification', 'multi-label'] as const

/** All that `siglip train` can be asked for. */
export const LOSSES = [...CONTRASTIVE_LOSSES, ...CLASSIFIER_LOSSES] as const

/** A loss of a classifier by its name. */
export type ClassifierLossName = (typeof CLASSIFIER_LOSSES)[number]

type Facts = {
  readonly [Name in ContrastiveLossName]: {
    /** Whether it asks which pairs belong together: a matrix of all of them. */
    readonly seesPairs: boolean
    /** Whether its logits rank labels and their sigmoid means nothing: `config.json` then names the loss. */
    readonly ranks: Name extends (typeof RANKING_LOSSES)[number] ? true : false
  }
}

/** What a training must know of a loss beside its formula. */
export const lossFacts: Facts = {
  sigmoid: { seesPairs: true, ranks: false },
  softmax: { seesPairs: true, ranks: true },
  chunked: { seesPairs: false, ranks: false },
}

/** Whether a loss trains a classifier. */
export function isOfClasses(loss: (typeof LOSSES)[number]): loss is ClassifierLossName {
  return CLASSIFIER_LOSSES.some((name) => name === loss)
}
