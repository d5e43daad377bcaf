import type { Row } from './name-table.js'
import { both, timmRows } from './timm.js'
import * as to from './transforms.js'

/** The names of open_clip (`CustomTextCLIP` with an image tower of timm) and transformers' names for the same weights. */
export function openClipRows(isNaFlex: boolean): Row[] {
  const [s, t] = ['text.transformer.resblocks.{i}', 'text_model.encoder.layers.{i}']
  return [
    ['logit_scale', 'logit_scale', to.scalar],
    ['logit_bias', 'logit_bias', to.scalar],
    ...timmRows({ prefix: 'visual.trunk.', isNaFlex }),
    ['text.token_embedding.weight', 'text_model.embeddings.token_embedding.weight', to.matrix],
    ['text.positional_embedding', 'text_model.embeddings.position_embedding.weight', to.matrix],
    ...both(`${s}.ln_1`, `${t}.layer_norm1`, to.vector),
    ...['q', 'k', 'v'].flatMap((name, k): Row[] => [
      [`${s}.attn.in_proj_weight[${k}/3]`, `${t}.self_attn.${name}_proj.weight`, to.matrix],
      [`${s}.attn.in_proj_bias[${k}/3]`, `${t}.self_attn.${name}_proj.bias`, to.vector],
    ]),
    ...both(`${s}.attn.out_proj`, `${t}.self_attn.out_proj`),
    ...both(`${s}.ln_2`, `${t}.layer_norm2`, to.vector),
    ...both(`${s}.mlp.c_fc`, `${t}.mlp.fc1`),
    ...both(`${s}.mlp.c_proj`, `${t}.mlp.fc2`),
    ...both('text.ln_final', 'text_model.final_layer_norm', to.vector),
    ...both('text.text_projection', 'text_model.head'),
  ]
}
