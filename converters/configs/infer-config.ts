import { ConfigError } from '../../src/errors.js'
import { towersOf, type Tower } from '../names/tower-names.js'
import type { Weights } from '../formats/weights.js'
import type { JsonObject } from '../../src/io/json.js'

/** What shapes don't determine, or determine only together with something else. */
export interface ConfigHints {
  /** Attention heads. Default: those of the published models of that width. */
  readonly heads?: Readonly<Partial<Record<Tower, number | undefined>>> | undefined
  /** The activation of the MLPs, by transformers' names. Default: `gelu_pytorch_tanh`, as the models were trained. */
  readonly hiddenAct?: Readonly<Partial<Record<Tower, string | undefined>>> | undefined
  /** Side of the image in pixels. Default: that of the patches side by side. */
  readonly imageSize?: number | undefined
}

/** Heads of the towers of published models, and of the usual ViTs, by width. */
const headsOfWidth = new Map([
  [192, 3],
  [384, 6],
  [512, 8],
  [768, 12],
  [1024, 16],
  [1152, 16],
  [1536, 16],
])

/** Gemma's vocabulary, which marks SigLIP 2. */
export const GEMMA_TOKENS = 256_000

/**
 * A configuration of transformers for weights without one: their shapes give widths, layers, patches, positions and tokens.
 *
 * @param weights under the names of a whole model, in transformers' shapes.
 * @throws ConfigError if weights that are needed are missing, or nothing gives the number of heads.
 */
export function inferConfig(weights: Weights, hints: ConfigHints = {}): JsonObject {
  const towers = towersOf(weights)
  const isNaFlex = shapeOf(weights, 'vision_model.embeddings.patch_embedding.weight')?.length === 2
  const family = isNaFlex ? 'siglip2' : 'siglip'
  const [first] = towers
  if (towers.length === 1 && first === 'text') return textConfig(weights, hints, family)
  const vision = visionConfig(weights, hints, family)
  const labels = shapeOf(weights, 'classifier.weight')?.[0]
  if (towers.length === 1 && labels === undefined) return vision
  return {
    model_type: family,
    ...(towers.includes('text') && { text_config: textConfig(weights, hints, family) }),
    vision_config: vision,
    ...(labels !== undefined && { id2label: Object.fromEntries(classNames(labels)) }),
  }
}

/** `LABEL_3` for the fourth class, as in transformers. */
function classNames(count: number): [string, string][] {
  if (count > 2 ** 20) throw new ConfigError('too many classes', { expected: `at most ${2 ** 20}`, found: `${count}` })
  return Array.from({ length: count }, (_, i) => [String(i), `LABEL_${i}`])
}

function visionConfig(weights: Weights, { heads, hiddenAct, imageSize }: ConfigHints, family: string): JsonObject {
  const embeddings = 'vision_model.embeddings'
  const kernel = storedShape(weights, `${embeddings}.patch_embedding.weight`)
  const [positions = 0] = storedShape(weights, `${embeddings}.position_embedding.weight`)
  const [hidden = 0, second = 0, height = 0] = kernel
  const isNaFlex = kernel.length === 2
  const channels = isNaFlex ? 3 : second
  const patch = isNaFlex ? Math.sqrt(second / channels) : height
  const side = Math.sqrt(positions)
  if (!Number.isInteger(patch) || patch === 0 || !Number.isInteger(side)) {
    throw new ConfigError('The patches are not square', {
      found: `a patch embedding [${kernel.join(', ')}] and ${positions} positions`,
      where: weights.location,
      hint: 'Put the config.json of the model beside its weights.',
    })
  }
  return {
    model_type: `${family}_vision_model`,
    ...encoder(weights, 'vision', hidden, heads?.vision),
    hidden_act: hiddenAct?.vision ?? 'gelu_pytorch_tanh',
    num_channels: channels,
    patch_size: patch,
    ...(isNaFlex ? { num_patches: positions } : { image_size: imageSize ?? imageSizeOf(side, patch, hidden) }),
    vision_use_head: shapeOf(weights, 'vision_model.head.probe') !== undefined,
  }
}

/** Only so400m-patch14-384 has pixels to spare: 27 patches of 14 are 378. */
function imageSizeOf(side: number, patch: number, hidden: number): number {
  return side === 27 && patch === 14 && hidden === 1152 ? 384 : side * patch
}

function textConfig(weights: Weights, { heads, hiddenAct }: ConfigHints, family: string): JsonObject {
  const [vocabulary = 0, hidden = 0] = storedShape(weights, 'text_model.embeddings.token_embedding.weight')
  const [positions = 0] = storedShape(weights, 'text_model.embeddings.position_embedding.weight')
  const [projection = 0] = storedShape(weights, 'text_model.head.weight')
  return {
    model_type: `${family}_text_model`,
    ...encoder(weights, 'text', hidden, heads?.text),
    hidden_act: hiddenAct?.text ?? 'gelu_pytorch_tanh',
    vocab_size: vocabulary,
    max_position_embeddings: positions,
    projection_size: projection,
    ...(vocabulary === GEMMA_TOKENS ? { bos_token_id: 2, eos_token_id: 1, pad_token_id: 0 } : {}),
  }
}

function encoder(weights: Weights, tower: Tower, hidden: number, heads: number | undefined): JsonObject {
  const layer = `${tower}_model.encoder.layers.`
  const layers = new Set([...weights.tensors.keys()].flatMap((name) => /^\d+(?=\.)/.exec(after(layer, name)) ?? []))
  const [intermediate = 0] = storedShape(weights, `${layer}0.mlp.fc1.weight`)
  const count = heads ?? headsOfWidth.get(hidden)
  if (count === undefined) {
    throw new ConfigError('The number of attention heads is unknown', {
      expected: 'a config.json beside the weights, or a width of a published model',
      found: `a ${tower} tower of width ${hidden}`,
      where: weights.location,
      hint: 'Say it: --heads N on the command line, heads in a program.',
    })
  }
  return {
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers.size,
    num_attention_heads: count,
    layer_norm_eps: 1e-6,
    attention_dropout: 0,
  }
}

const after = (prefix: string, name: string): string => (name.startsWith(prefix) ? name.slice(prefix.length) : '')

const shapeOf = (weights: Weights, name: string): readonly number[] | undefined => weights.tensors.get(name)?.shape

/** The shape of a weight without which there is no configuration. */
function storedShape(weights: Weights, name: string): readonly number[] {
  const shape = shapeOf(weights, name)
  if (shape && shape.length > 1) return shape
  throw new ConfigError('These are not the weights of a SigLIP model', {
    expected: name,
    found: shape ? `[${shape.join(', ')}]` : `${weights.tensors.size} other weights`,
    where: weights.location,
  })
}
