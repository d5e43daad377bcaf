import type { Row } from './name-table.js'
import * as to from './transforms.js'

/**
 * The names of an image tower in timm (`vision_transformer.py`, `naflexvit.py`, `attention_pool.py`) and transformers' names for the
 * same weights.
 *
 * @param options.prefix before each of timm's names: open_clip keeps the tower under `visual.trunk.`.
 * @param options.isNaFlex whether it is a `NaFlexVit`.
 */
export function timmRows({ prefix = '', isNaFlex }: { readonly prefix?: string; readonly isNaFlex: boolean }): Row[] {
  const block = 'vision_model.encoder.layers.{i}'
  const rows: Row[] = [
    ...embeddings(isNaFlex),
    ...both('blocks.{i}.norm1', `${block}.layer_norm1`, to.vector),
    ...['q', 'k', 'v'].flatMap((name, k): Row[] => [
      [`blocks.{i}.attn.qkv.weight[${k}/3]`, `${block}.self_attn.${name}_proj.weight`, to.matrix],
      [`blocks.{i}.attn.qkv.bias[${k}/3]`, `${block}.self_attn.${name}_proj.bias`, to.vector],
    ]),
    ...both('blocks.{i}.attn.proj', `${block}.self_attn.out_proj`),
    ...both('blocks.{i}.norm2', `${block}.layer_norm2`, to.vector),
    ...both('blocks.{i}.mlp.fc1', `${block}.mlp.fc1`),
    ...both('blocks.{i}.mlp.fc2', `${block}.mlp.fc2`),
    ...both('norm', 'vision_model.post_layernorm', to.vector),
    ['attn_pool.latent', 'vision_model.head.probe', to.cube],
    ['attn_pool.q.weight', 'vision_model.head.attention.in_proj_weight[0/3]', to.matrix],
    ['attn_pool.q.bias', 'vision_model.head.attention.in_proj_bias[0/3]', to.vector],
    ...[0, 1].flatMap((k): Row[] => [
      [`attn_pool.kv.weight[${k}/2]`, `vision_model.head.attention.in_proj_weight[${k + 1}/3]`, to.matrix],
      [`attn_pool.kv.bias[${k}/2]`, `vision_model.head.attention.in_proj_bias[${k + 1}/3]`, to.vector],
    ]),
    ...both('attn_pool.proj', 'vision_model.head.attention.out_proj'),
    ...both('attn_pool.norm', 'vision_model.head.layernorm', to.vector),
    ...both('attn_pool.mlp.fc1', 'vision_model.head.mlp.fc1'),
    ...both('attn_pool.mlp.fc2', 'vision_model.head.mlp.fc2'),
    ...both('head', 'classifier'),
  ]
  return rows.map(([source, target, transform]) => [prefix + source, target, transform])
}

function embeddings(isNaFlex: boolean): Row[] {
  const target = 'vision_model.embeddings'
  if (isNaFlex) {
    return [
      ...both('embeds.proj', `${target}.patch_embedding`),
      ['embeds.pos_embed', `${target}.position_embedding.weight`, to.batchOfGrid],
    ]
  }
  return [
    ...both('patch_embed.proj', `${target}.patch_embedding`, to.convolution),
    ['pos_embed', `${target}.position_embedding.weight`, to.batchOfOne],
  ]
}

/** A layer's weight and bias: those of a linear layer, where nothing else is said. */
export function both(source: string, target: string, weight: to.Transform = to.matrix): Row[] {
  return [
    [`${source}.weight`, `${target}.weight`, weight],
    [`${source}.bias`, `${target}.bias`, to.vector],
  ]
}
