import type { Weights } from '../formats/weights.js'

/** A part of a model: what `--tower` and its kind ask for. */
export type Tower = 'vision' | 'text'

const PREFIX = { vision: 'vision_model.', text: 'text_model.' } as const

/**
 * Weights of transformers with the prefix of its tower before each name, as in a whole model. transformers 5 stores a single tower
 * without it; `position_ids`, which version 4 stored beside the positions, are not weights and are skipped.
 */
export function inWholeModel(weights: Weights): Weights {
  const names = [...weights.tensors.keys()].filter((name) => !name.endsWith('.position_ids'))
  const prefix = names.includes('embeddings.patch_embedding.weight')
    ? PREFIX.vision
    : names.includes('embeddings.token_embedding.weight')
      ? PREFIX.text
      : ''
  return renamed(weights, names, prefix)
}

/** One tower's weights under the names of a whole model. */
export function towerOnly(weights: Weights, tower: Tower): Weights {
  return renamed(
    weights,
    [...weights.tensors.keys()].filter((name) => name.startsWith(PREFIX[tower])),
    '',
  )
}

/** The towers that weights have, under the names of a whole model. */
export function towersOf({ tensors }: Pick<Weights, 'tensors'>): readonly Tower[] {
  const names = [...tensors.keys()]
  return (['vision', 'text'] as const).filter((tower) => names.some((name) => name.startsWith(PREFIX[tower])))
}

/** The weights of these names, with a prefix before each. */
function renamed(weights: Weights, names: readonly string[], prefix: string): Weights {
  const tensors = names.flatMap((name) => {
    const info = weights.tensors.get(name)
    return info ? [[prefix + name, info] as const] : []
  })
  return {
    location: weights.location,
    tensors: new Map(tensors),
    read: (name, begin, end) => weights.read(name.slice(prefix.length), begin, end),
  }
}
