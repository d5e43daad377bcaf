import { isObject } from '../../src/io/is-object.js'
import type { JsonObject } from '../../src/io/json.js'

/** Sizes of a tower, in the form of a configuration of transformers. */
export interface TowerSizes {
  readonly hidden_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly intermediate_size: number
  readonly patch_size: number
}

/** A ratio whose product with the width, truncated to an integer, is the width inside the MLPs. */
export function ratioOf(intermediate: number, hidden: number): number {
  const ratio = intermediate / hidden
  return Math.trunc(ratio * hidden) === intermediate ? ratio : (intermediate + 0.5) / hidden
}

/** The sizes of a tower in a configuration, with transformers' defaults. */
export function towerFields(config: JsonObject, key: 'vision_config' | 'text_config'): TowerSizes {
  const tower = isObject(config[key]) ? config[key] : config
  const number = (name: string, otherwise: number): number => {
    const value = tower[name]
    return typeof value === 'number' ? value : otherwise
  }
  return {
    hidden_size: number('hidden_size', 768),
    num_hidden_layers: number('num_hidden_layers', 12),
    num_attention_heads: number('num_attention_heads', 12),
    intermediate_size: number('intermediate_size', 3072),
    patch_size: number('patch_size', 16),
  }
}
