import { HubError } from '../errors.js'
import { isObject } from '../io/is-object.js'
import { parseJsonObject } from '../io/json.js'

/** open_clip's configuration: it stands in place of `config.json`. */
export const OPEN_CLIP_CONFIG = 'open_clip_config.json'

/** open_clip's weights. */
export const OPEN_CLIP_WEIGHTS = 'open_clip_model.safetensors'

/** The name that this package gives to big_vision's weights; theirs are called anything. */
export const BIG_VISION_WEIGHTS = 'model.npz'

/** peft's configuration of an adapter. */
export const ADAPTER_CONFIG = 'adapter_config.json'

/** Settings of image processors: of transformers before version 5, and since. */
export const IMAGE_PROCESSOR_FILES: readonly string[] = ['preprocessor_config.json', 'processor_config.json']

/** Vocabularies, any of which is enough for a tokenizer. */
export const VOCABULARY_FILES: readonly string[] = ['spiece.model', 'tokenizer.json']

/** Files of tokenizers, which all projects read from the Hub's own formats. */
export const TOKENIZER_FILES: readonly string[] = [
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  ...VOCABULARY_FILES,
]

/** What loading reads beside the weights, where a model has it. */
const SETTINGS: readonly string[] = [
  'config.json',
  OPEN_CLIP_CONFIG,
  ...IMAGE_PROCESSOR_FILES,
  ...TOKENIZER_FILES,
  ADAPTER_CONFIG,
  'adapter_model.safetensors',
  'adapter_model.bin',
]

/**
 * The usual names of weights, or of indexes of them, the first of which is taken: the others hold the same in other formats.
 *
 * @param variant part of transformers' names, as in `model.fp16.safetensors`.
 */
export function weightsNames(variant?: string): string[] {
  const suffix = variant === undefined ? '' : `.${variant}`
  return [
    `model${suffix}.safetensors`,
    `model.safetensors.index${suffix}.json`,
    OPEN_CLIP_WEIGHTS,
    `pytorch_model${suffix}.bin`,
    `pytorch_model.bin.index${suffix}.json`,
    'open_clip_pytorch_model.bin',
    ...(variant === undefined ? [BIG_VISION_WEIGHTS] : []),
  ]
}

/** Which of a model's files loading needs, and which of them holds the weights. */
export interface ModelFiles {
  readonly settings: readonly string[]
  /** A weight file, or an index that names such files; undefined if there is only a tokenizer. */
  readonly weights: string | undefined
}

/** @throws HubError if nothing of the model can be loaded, or the choice of weights is ambiguous. */
export function modelFiles(names: readonly string[], model: string): ModelFiles {
  const settings = SETTINGS.filter((name) => names.includes(name))
  const archives = names.filter((name) => name.endsWith('.npz'))
  const usual = weightsNames()
  const weights = usual.find((name) => names.includes(name)) ?? (archives.length === 1 ? archives[0] : undefined)
  if (
    weights !== undefined ||
    (archives.length === 0 && settings.some((name) => /^(spiece|tokenizer|adapter_model)\./.test(name)))
  )
    return { settings, weights }
  throw new HubError(archives.length > 1 ? 'The model has several files of weights' : 'The model has no weights', {
    expected: `one of ${usual.join(', ')} or an .npz archive`,
    found: (archives.length > 1 ? archives : names).slice(0, 20).join(', ') || 'no files',
    where: model,
    hint: archives.length > 1 ? 'Name the one that is wanted.' : 'Look for the same model in another format.',
  })
}

/** The weight files that an index names, each once. @throws HubError for an invalid index. */
export function shardsOf(index: Uint8Array, where: string): string[] {
  const { weight_map: weightMap } = parseJsonObject(index, where, HubError)
  if (!isObject(weightMap)) throw new HubError('Invalid weight index', { expected: 'a "weight_map"', where })
  const names = Object.values(weightMap)
  return [...new Set(names.filter((name) => typeof name === 'string'))]
}
