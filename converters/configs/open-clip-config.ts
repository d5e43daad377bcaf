import { InputError } from '../../src/errors.js'
import { isObject } from '../../src/io/is-object.js'
import type { ConfigHints } from './infer-config.js'
import { valueAt } from './json-file.js'
import { openClipPreprocessing } from './preparation.js'
import { orDefault, timmActivation } from './timm-activation.js'
import { activationOf, imageSizeOf, timmName, timmNaFlexName } from './timm-architecture.js'
import { TIMM_EPS } from './timm-config.js'
import { ratioOf, towerFields } from './tower-sizes.js'
import type { JsonObject } from '../../src/io/json.js'

/** Where transformers' configuration is kept in a file that this package wrote: open_clip reads only its own keys. */
const KEPT = 'transformers_config'

/** What `open_clip_config.json` gives beside the weights: heads, activations, image size. */
export function openClipHints(json: JsonObject): ConfigHints {
  const name = valueAt(json, 'model_cfg', 'vision_cfg', 'timm_model_name')
  const heads = valueAt(json, 'model_cfg', 'text_cfg', 'heads')
  const isTanh = valueAt(json, 'model_cfg', 'text_cfg', 'act_kwargs', 'approximate') === 'tanh'
  const tower = typeof name === 'string' ? name : ''
  return {
    heads: { text: typeof heads === 'number' ? heads : undefined },
    hiddenAct: { vision: activationOf(tower), text: isTanh ? 'gelu_pytorch_tanh' : 'gelu' },
    imageSize: imageSizeOf(tower),
  }
}

/** transformers' configuration, if it was kept when the file was written from it. */
export function keptConfig(json: JsonObject): JsonObject | undefined {
  const kept = json[KEPT]
  return isObject(kept) ? kept : undefined
}

/**
 * `open_clip_config.json` of a whole model.
 *
 * @param config of transformers, both towers.
 * @param images of its image processor.
 * @param clean how texts are cleaned before they are tokenized.
 * @throws InputError for an activation of the text tower, or a way of preparing images, that open_clip's configuration can't express.
 */
export function openClipConfig(
  config: JsonObject,
  images: JsonObject | undefined,
  clean: unknown = 'canonicalize',
): { readonly json: JsonObject; readonly notes: readonly string[] } {
  const notes: string[] = []
  const vision = towerFields(config, 'vision_config')
  const text = towerFields(config, 'text_config')
  const patches = valueAt(config, 'vision_config', 'num_patches')
  const imageSize = Number(valueAt(config, 'vision_config', 'image_size') ?? 0)
  const ownAct = orDefault(valueAt(config, 'vision_config', 'hidden_act'))
  const channels = Number(valueAt(config, 'vision_config', 'num_channels') ?? 3)
  const eps = Number(valueAt(config, 'vision_config', 'layer_norm_eps') ?? TIMM_EPS)
  const act = timmActivation(ownAct)
  const isGelu = act === 'gelu' || act === 'gelu_tanh'
  const published = typeof patches === 'number' ? timmNaFlexName(vision, patches) : timmName(vision, imageSize, true)
  const known = isGelu && channels === 3 && eps === TIMM_EPS ? published : undefined
  const name = known ?? `vit_custom_patch${vision.patch_size}_siglip_${imageSize}`
  if (known === undefined) {
    const settings = `act_layer ${act ?? ownAct}, in_chans ${channels}, layer norms of eps ${eps}`
    notes.push(`timm has no such image tower: register one as ${name}, with ${settings}, before open_clip loads it.`)
  } else if (timmActivation(activationOf(known)) !== act) {
    notes.push(
      `open_clip runs ${known} with ${activationOf(known)}, and this model with ${ownAct}: numbers differ a little.`,
    )
  }
  const vocabulary = valueAt(config, 'text_config', 'vocab_size')
  const textAct = geluOf(orDefault(valueAt(config, 'text_config', 'hidden_act')))
  const json = {
    model_cfg: {
      embed_dim: vision.hidden_size,
      init_logit_bias: -10,
      custom_text: true,
      vision_cfg: {
        image_size: typeof patches === 'number' ? Math.sqrt(patches) * vision.patch_size : imageSize,
        timm_model_name: name,
        timm_model_pretrained: false,
        timm_pool: 'map',
        timm_proj: 'none',
      },
      text_cfg: {
        context_length: valueAt(config, 'text_config', 'max_position_embeddings'),
        vocab_size: vocabulary,
        hf_tokenizer_name: vocabulary === 256_000 ? 'timm/ViT-B-16-SigLIP2' : 'timm/ViT-B-16-SigLIP',
        tokenizer_kwargs: { clean },
        width: text.hidden_size,
        heads: text.num_attention_heads,
        layers: text.num_hidden_layers,
        mlp_ratio: ratioOf(text.intermediate_size, text.hidden_size),
        no_causal_mask: true,
        proj_bias: true,
        pool_type: 'last',
        norm_kwargs: { eps: valueAt(config, 'text_config', 'layer_norm_eps') ?? 1e-6 },
        ...(textAct === 'gelu' ? {} : { act_kwargs: { approximate: 'tanh' } }),
      },
    },
    preprocess_cfg: openClipPreprocessing(images),
    [KEPT]: config,
  }
  return { json, notes }
}

/** open_clip's configuration names the gelu of its text tower, and no other activation. */
function geluOf(hiddenAct: string): 'gelu' | 'gelu_tanh' {
  const act = timmActivation(hiddenAct)
  if (act === 'gelu' || act === 'gelu_tanh') return act
  throw new InputError('open_clip’s text tower has no such activation', {
    expected: 'a gelu',
    found: hiddenAct,
    where: 'hidden_act of text_config',
    hint: 'Convert the image tower to timm.',
  })
}
