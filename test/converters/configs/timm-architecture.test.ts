import { activationOf, imageSizeOf, timmName, timmNaFlexName } from '../../../converters/configs/timm-architecture.js'

const so400m = {
  hidden_size: 1152,
  num_hidden_layers: 27,
  num_attention_heads: 16,
  intermediate_size: 4304,
  patch_size: 14,
}

test('towers of published sizes have timm’s names, others none', () => {
  expect(timmName(so400m, 384, true)).toBe('vit_so400m_patch14_siglip_384')
  expect(timmName(so400m, 224, false)).toBe('vit_so400m_patch14_siglip_gap_224')
  expect(timmName({ ...so400m, patch_size: 16 }, 384, true)).toBe('vit_so400m_patch16_siglip_384')
  expect(timmName(so400m, 256, true)).toBeUndefined()
  expect(timmName({ ...so400m, num_hidden_layers: 26 }, 384, true)).toBeUndefined()
  expect(timmNaFlexName({ ...so400m, patch_size: 16 }, 256)).toBe('naflexvit_so400m_patch16_siglip')
  expect(timmNaFlexName(so400m, 256)).toBeUndefined()
})

test.each([
  ['vit_base_patch16_siglip_224', 'gelu', 224],
  ['vit_base_patch32_siglip_256', 'gelu_pytorch_tanh', 256],
  ['vit_large_patch16_siglip_384', 'gelu', 384],
  ['vit_large_patch16_siglip_512', 'gelu_pytorch_tanh', 512],
  ['vit_so400m_patch14_siglip_384', 'gelu', 384],
  ['vit_so400m_patch16_siglip_gap_512', 'gelu_pytorch_tanh', 512],
  ['vit_giantopt_patch16_siglip_256', 'gelu_pytorch_tanh', 256],
  ['naflexvit_base_patch16_siglip', 'gelu_pytorch_tanh', undefined],
] as const)('%s runs %s on images of %s', (name, activation, size) => {
  expect(activationOf(name)).toBe(activation)
  expect(imageSizeOf(name)).toBe(size)
})
