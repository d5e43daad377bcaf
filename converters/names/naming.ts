import { bigVisionRows } from './big-vision.js'
import { fromTransformersNames, toTransformersNames } from './name-table.js'
import { openClipRows } from './open-clip.js'
import { timmRows } from './timm.js'
import { withTextHead } from './text-head.js'
import type { Weights } from '../formats/weights.js'

/** The libraries whose names weights may have. */
export const NAMINGS = ['transformers', 'big_vision', 'open_clip', 'timm'] as const

/** Whose names weights have. */
export type Naming = (typeof NAMINGS)[number]

/** The library whose names these are; `transformers` by default. */
export function namingOf(names: Iterable<string>): Naming {
  for (const name of names) {
    if (/^(params\/)?(img|txt)\//.test(name)) return 'big_vision'
    if (name.startsWith('visual.trunk.')) return 'open_clip'
    if (/^(patch_embed|embeds)\.proj\./.test(name)) return 'timm'
  }
  return 'transformers'
}

/**
 * Weights under transformers' names and in its shapes, from any of the libraries. Weights that a table doesn't know keep their names, so
 * that a model needs; names of transformers 4 and 5 stay unchanged.
 *
 * @throws WeightsError if a weight's shape is not one of its format.
 */
export function asTransformers(weights: Weights): Weights {
  const rankOf = (name: string): number | undefined => weights.tensors.get(name)?.shape.length
  const names = [...weights.tensors.keys()]
  switch (namingOf(names)) {
    case 'transformers':
      return weights
    case 'big_vision':
      return withTextHead(fromBigVision(weights, names))
    case 'open_clip':
      return withTextHead(toTransformersNames(weights, openClipRows(names.includes('visual.trunk.embeds.proj.weight'))))
    case 'timm':
      return toTransformersNames(weights, timmRows({ isNaFlex: rankOf('embeds.proj.weight') === 2 }))
  }
}

/** Who stores weights how many attention heads their towers have: it shows in big_vision's shapes. */
export interface Heads {
  readonly vision: number
  readonly text: number
}

/**
 * Weights of transformers under the names and in the shapes of another format.
 *
 * @param weights whole models or towers, each name with the prefix of its tower.
 * @throws WeightsError if a shape doesn't fit.
 */
export function asNamed(weights: Weights, naming: Naming, heads: Heads): Weights {
  const headsOf = (name: string): number => (name.startsWith('text_model.') ? heads.text : heads.vision)
  const isNaFlex = weights.tensors.get('vision_model.embeddings.patch_embedding.weight')?.shape.length === 2
  switch (naming) {
    case 'transformers':
      return weights
    case 'big_vision':
      return fromTransformersNames(weights, bigVisionRows({ isNaFlex }), headsOf)
    case 'open_clip':
      return fromTransformersNames(weights, openClipRows(isNaFlex), headsOf)
    case 'timm':
      return fromTransformersNames(weights, timmRows({ isNaFlex }), headsOf)
  }
}

/** Files of training runs have the optimizer's state beside `params/`; published ones may have only the parameters. */
function fromBigVision(weights: Weights, names: readonly string[]): Weights {
  const prefix = names.some((name) => name.startsWith('params/')) ? 'params/' : ''
  const isScanned = names.some((name) => name.includes('/encoderblock/'))
  const isNaFlex = weights.tensors.get(`${prefix}img/embedding/kernel`)?.shape.length === 2
  const rows = bigVisionRows({ isScanned, isNaFlex })
  if (prefix === '')
    return toTransformersNames(
      weights,
      rows.map(([source, ...rest]) => [source.slice('params/'.length), ...rest]),
    )
  const parameters = [...weights.tensors].filter(([name]) => name.startsWith(prefix))
  return toTransformersNames({ ...weights, tensors: new Map(parameters) }, rows)
}
