import { bigVisionRows } from './big-vision.js'
import { fromTransformersNames, toTransformersNames } from './name-table.js'
import { openClipRows } from './open-clip.js'
import { timmRows } from './timm.js'
import type { Weights } from './weights.js'

/** Whose names weights have. */
export type Naming = 'transformers' | 'big_vision' | 'open_clip' | 'timm'

/** Whose names these are, `transformers` if nobody else's. */
export function namingOf(names: Iterable<string>): Naming {
  for (const name of names) {
    if (/^(params\/)?(img|txt)\//.test(name)) return 'big_vision'
    if (name.startsWith('visual.trunk.')) return 'open_clip'
    if (name.startsWith('patch_embed.')) return 'timm'
  }
  return 'transformers'
}

/**
 * Weights under transformers' names and in its shapes, whoever stored them. Weights that a table doesn't know keep their names, so
 * that a model can tell of them; those of transformers 4 and 5 are as they are.
 *
 * @throws WeightsError if a weight's shape is not one of its format.
 */
export function asTransformers(weights: Weights): Weights {
  const names = [...weights.tensors.keys()]
  switch (namingOf(names)) {
    case 'transformers':
      return weights
    case 'big_vision':
      return fromBigVision(weights, names)
    case 'open_clip':
      return toTransformersNames(weights, openClipRows())
    case 'timm':
      return toTransformersNames(weights, timmRows())
  }
}

/** Who stores weights how many attention heads their towers have: it shows in big_vision's shapes. */
export interface Heads {
  readonly vision: number
  readonly text: number
}

/** Weights of transformers under the names and in the shapes of another format. @throws WeightsError if a shape doesn't fit. */
export function asNamed(weights: Weights, naming: Naming, heads: Heads): Weights {
  const headsOf = (name: string): number => (name.startsWith('text_model.') ? heads.text : heads.vision)
  switch (naming) {
    case 'transformers':
      return weights
    case 'big_vision':
      return fromTransformersNames(weights, bigVisionRows(false), headsOf)
    case 'open_clip':
      return fromTransformersNames(weights, openClipRows(), headsOf)
    case 'timm':
      return fromTransformersNames(weights, timmRows(), headsOf)
  }
}

/** Files of training runs have the optimizer's state beside `params/`; published ones may have the parameters alone. */
function fromBigVision(weights: Weights, names: readonly string[]): Weights {
  const isWithin = names.some((name) => name.startsWith('params/'))
  const rows = bigVisionRows(names.some((name) => name.includes('/encoderblock/')))
  if (!isWithin)
    return toTransformersNames(
      weights,
      rows.map(([source, ...rest]) => [source.slice('params/'.length), ...rest]),
    )
  const parameters = [...weights.tensors].filter(([name]) => name.startsWith('params/'))
  return toTransformersNames({ ...weights, tensors: new Map(parameters) }, rows)
}
