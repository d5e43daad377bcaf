import type { TowerSizes } from './tower-sizes.js'

const families = [
  { name: 'base', hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12, intermediate_size: 3072 },
  { name: 'large', hidden_size: 1024, num_hidden_layers: 24, num_attention_heads: 16, intermediate_size: 4096 },
  { name: 'so400m', hidden_size: 1152, num_hidden_layers: 27, num_attention_heads: 16, intermediate_size: 4304 },
  { name: 'giantopt', hidden_size: 1536, num_hidden_layers: 40, num_attention_heads: 16, intermediate_size: 6144 },
] as const

/** Patch and image sizes that timm has a name for, by family. */
const sizes: Readonly<Record<(typeof families)[number]['name'], Readonly<Record<number, readonly number[]>>>> = {
  base: { 16: [224, 256, 384, 512], 32: [256] },
  large: { 16: [256, 384, 512] },
  so400m: { 14: [224, 378, 384], 16: [256, 384, 512] },
  giantopt: { 16: [256, 384] },
}

/** timm's name of a tower; undefined if it has none of these sizes. */
export function timmName(tower: TowerSizes, imageSize: number, hasHead: boolean): string | undefined {
  const { patch_size: patch } = tower
  const family = families.find(
    (known) =>
      known.hidden_size === tower.hidden_size &&
      known.num_hidden_layers === tower.num_hidden_layers &&
      known.num_attention_heads === tower.num_attention_heads &&
      known.intermediate_size === tower.intermediate_size,
  )
  if (family === undefined || !sizes[family.name][patch]?.includes(imageSize)) return undefined
  return `vit_${family.name}_patch${patch}_siglip_${hasHead ? '' : 'gap_'}${imageSize}`
}

/** timm's name of a NaFlex tower; undefined if it has none of these sizes. */
export function timmNaFlexName(tower: TowerSizes, patches: number): string | undefined {
  const family = families.find(({ hidden_size: width }) => width === tower.hidden_size)
  const isKnown =
    (family?.name === 'base' || family?.name === 'so400m') &&
    family.num_hidden_layers === tower.num_hidden_layers &&
    family.num_attention_heads === tower.num_attention_heads &&
    family.intermediate_size === tower.intermediate_size
  return isKnown && tower.patch_size === 16 && patches === 256 ? `naflexvit_${family.name}_patch16_siglip` : undefined
}

/**
 * The activation that timm runs in a tower of this name, as transformers names it: exact gelu in the towers that it had before
 * SigLIP 2, whatever they were trained with. Source: `vision_transformer.py`, version 1.0.31.
 */
export function activationOf(name: string): 'gelu' | 'gelu_pytorch_tanh' {
  const isTanh =
    /^naflexvit_|^vit_(base_patch32|giantopt_patch16|so400m_patch16)_siglip_|^vit_large_patch16_siglip_(gap_)?512/
  return isTanh.test(name) ? 'gelu_pytorch_tanh' : 'gelu'
}

/** The image side in a name: 384 in `vit_so400m_patch14_siglip_384`. */
export function imageSizeOf(name: string): number | undefined {
  const [, digits] = /_siglip_(?:gap_)?(\d{2,4})\b/.exec(name) ?? []
  return digits === undefined ? undefined : Number(digits)
}
