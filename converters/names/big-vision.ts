import type { Row } from './name-table.js'
import * as to from './transforms.js'

/**
 * The names of big_vision (`models/proj/image_text/two_towers.py`, `models/vit.py`, `models/proj/image_text/naflex_vit.py`) and
 * transformers' names for the same weights.
 *
 * @param options.isScanned whether the blocks of a tower are stacked along a new first axis, as `scan=True` stores them.
 * @param options.isNaFlex whether patches of any grid are embedded: by a matrix, and with a grid of positions.
 */
export function bigVisionRows({
  isScanned = false,
  isNaFlex,
}: {
  readonly isScanned?: boolean
  readonly isNaFlex: boolean
}): Row[] {
  const blocks = [...block('img/Transformer', 'vision_model'), ...block('txt/Encoder_0', 'text_model')]
  const rows: Row[] = [
    ['t', 'logit_scale', to.vector],
    ['b', 'logit_bias', to.vector],
    [
      'img/embedding/kernel',
      'vision_model.embeddings.patch_embedding.weight',
      isNaFlex ? to.kernel : to.convolutionKernel,
    ],
    ['img/embedding/bias', 'vision_model.embeddings.patch_embedding.bias', to.vector],
    ['img/pos_embedding', 'vision_model.embeddings.position_embedding.weight', isNaFlex ? to.grid : to.batchOfOne],
    ...norm('img/Transformer/encoder_norm', 'vision_model.post_layernorm'),
    ['img/MAPHead_0/probe', 'vision_model.head.probe', to.cube],
    ...poolingAttention('img/MAPHead_0/MultiHeadDotProductAttention_0', 'vision_model.head.attention'),
    ...norm('img/MAPHead_0/LayerNorm_0', 'vision_model.head.layernorm'),
    ...mlp('img/MAPHead_0/MlpBlock_0', 'vision_model.head.mlp'),
    ['txt/Embed_0/embedding', 'text_model.embeddings.token_embedding.weight', to.matrix],
    ['txt/pos_embedding', 'text_model.embeddings.position_embedding.weight', to.batchOfOne],
    ...norm('txt/Encoder_0/encoder_norm', 'text_model.final_layer_norm'),
    ...linear('txt/head', 'text_model.head'),
    ...(isScanned ? blocks.map(stacked) : blocks),
  ]
  return rows.map(([source, target, transform]) => [`params/${source}`, target, transform])
}

function block(source: string, target: string): Row[] {
  const [s, t] = [`${source}/encoderblock_{i}`, `${target}.encoder.layers.{i}`]
  return [
    ...norm(`${s}/LayerNorm_0`, `${t}.layer_norm1`),
    ...attention(`${s}/MultiHeadDotProductAttention_0`, `${t}.self_attn`),
    ...norm(`${s}/LayerNorm_1`, `${t}.layer_norm2`),
    ...mlp(`${s}/MlpBlock_0`, `${t}.mlp`),
  ]
}

function stacked([source, target, transform]: Row): Row {
  return [`${source.replace('encoderblock_{i}', 'encoderblock')}[{i}]`, target, transform]
}

function attention(source: string, target: string): Row[] {
  const projections = ['query', 'key', 'value'].flatMap((name): Row[] => [
    [`${source}/${name}/kernel`, `${target}.${name.charAt(0)}_proj.weight`, to.toHeads],
    [`${source}/${name}/bias`, `${target}.${name.charAt(0)}_proj.bias`, to.headsBias],
  ])
  return [...projections, ...output(source, target)]
}

/** torch's own attention layer keeps the three projections in one matrix. */
function poolingAttention(source: string, target: string): Row[] {
  const projections = ['query', 'key', 'value'].flatMap((name, k): Row[] => [
    [`${source}/${name}/kernel`, `${target}.in_proj_weight[${k}/3]`, to.toHeads],
    [`${source}/${name}/bias`, `${target}.in_proj_bias[${k}/3]`, to.headsBias],
  ])
  return [...projections, ...output(source, target)]
}

function output(source: string, target: string): Row[] {
  return [
    [`${source}/out/kernel`, `${target}.out_proj.weight`, to.fromHeads],
    [`${source}/out/bias`, `${target}.out_proj.bias`, to.vector],
  ]
}

function mlp(source: string, target: string): Row[] {
  return [...linear(`${source}/Dense_0`, `${target}.fc1`), ...linear(`${source}/Dense_1`, `${target}.fc2`)]
}

function linear(source: string, target: string): Row[] {
  return [
    [`${source}/kernel`, `${target}.weight`, to.kernel],
    [`${source}/bias`, `${target}.bias`, to.vector],
  ]
}

function norm(source: string, target: string): Row[] {
  return [
    [`${source}/scale`, `${target}.weight`, to.vector],
    [`${source}/bias`, `${target}.bias`, to.vector],
  ]
}
