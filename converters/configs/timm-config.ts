import { InputError } from '../../src/errors.js'
import type { ConfigHints } from './infer-config.js'
import { valueAt } from './json-file.js'
import { timmPreprocessing } from './preparation.js'
import { hiddenActOf, orDefault, timmActivation } from './timm-activation.js'
import { activationOf, imageSizeOf, timmNaFlexName, timmName } from './timm-architecture.js'
import { ratioOf, towerFields } from './tower-sizes.js'
import type { JsonObject } from '../../src/io/json.js'

/** What timm adds to variances in layer norms; no configuration of it says otherwise. */
export const TIMM_EPS = 1e-6

/** What a `config.json` of timm gives beside the weights. */
export function timmHints(json: JsonObject): ConfigHints {
  const { architecture } = json
  const name = typeof architecture === 'string' ? architecture : ''
  const heads = valueAt(json, 'model_args', 'num_heads') ?? valueAt(json, 'model_args', 'cfg', 'num_heads')
  const act = valueAt(json, 'model_args', 'act_layer') ?? valueAt(json, 'model_args', 'cfg', 'act_layer')
  const size = valueAt(json, 'model_args', 'img_size')
  return {
    heads: { vision: typeof heads === 'number' ? heads : undefined },
    hiddenAct: { vision: hiddenActOf(act) ?? activationOf(name) },
    imageSize: typeof size === 'number' ? size : imageSizeOf(name),
  }
}

/**
 * `config.json` of timm for the image tower of a configuration of transformers.
 *
 * @throws InputError for an activation that timm doesn't have, or a way of preparing images that its configuration can't express.
 */
export function timmConfig(
  config: JsonObject,
  images: JsonObject | undefined,
  numClasses: number,
): { readonly json: JsonObject; readonly notes: readonly string[] } {
  const tower = towerFields(config, 'vision_config')
  const at = (key: string): unknown => valueAt(config, 'vision_config', key) ?? config[key]
  const patches = at('num_patches')
  const hasHead = at('vision_use_head') !== false && numClasses === 0
  const pool = hasHead ? 'map' : 'avg'
  const side = typeof patches === 'number' ? Math.sqrt(patches) * tower.patch_size : Number(at('image_size') ?? 224)
  const ownAct = orDefault(at('hidden_act'))
  const act = timmActivation(ownAct)
  if (act === undefined) {
    throw new InputError('timm has no such activation', {
      expected: 'one of timm’s, such as gelu or silu',
      found: ownAct,
      where: 'hidden_act',
      hint: 'Convert to transformers or big_vision.',
    })
  }
  const channels = at('num_channels') ?? 3
  const eps = Number(at('layer_norm_eps') ?? TIMM_EPS)
  const args = {
    patch_size: tower.patch_size,
    embed_dim: tower.hidden_size,
    depth: tower.num_hidden_layers,
    num_heads: tower.num_attention_heads,
    mlp_ratio: ratioOf(tower.intermediate_size, tower.hidden_size),
    act_layer: act,
    global_pool: pool,
    ...(channels === 3 ? {} : { in_chans: channels }),
  }
  const isNaFlex = typeof patches === 'number'
  const known = isNaFlex ? timmNaFlexName(tower, patches) : timmName(tower, side, hasHead)
  const json = {
    architecture:
      known ?? (isNaFlex ? 'naflexvit_base_patch16_siglip' : `vit_base_patch16_siglip_${hasHead ? '' : 'gap_'}224`),
    num_classes: numClasses,
    num_features: tower.hidden_size,
    global_pool: pool,
    // What the architecture doesn't settle: also the activation, which timm has as exact gelu for most.
    model_args: isNaFlex
      ? { ...args, pos_embed_grid_size: [Math.sqrt(patches), Math.sqrt(patches)] }
      : { ...args, img_size: side, class_token: false },
    pretrained_cfg: {
      input_size: [channels, side, side],
      fixed_input_size: !isNaFlex,
      ...timmPreprocessing(images),
      num_classes: numClasses,
      pool_size: null,
      first_conv: isNaFlex ? 'embeds.proj' : 'patch_embed.proj',
      classifier: 'head',
    },
  }
  const notes =
    eps === TIMM_EPS ? [] : [`timm’s layer norms have an eps of ${TIMM_EPS}, this model’s ${eps}: numbers differ.`]
  return { json, notes }
}
