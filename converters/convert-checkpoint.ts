import { openFolder } from '#open-folder'
import { saveFolder } from '#save-folder'
import { InputError, WeightsError } from '../src/errors.js'
import { isObject } from '../src/io/is-object.js'
import type { CheckpointFolder } from '../src/hub/checkpoint-folder.js'
import { adapted } from './names/adapted.js'
import { foreignSettings } from '../src/image/processors/foreign-settings.js'
import { CLEANING } from '../src/tokenizer/clean/cleaning-backend.js'
import { readTokenizerFile } from '../src/tokenizer/load-tokenizer-files.js'
import { openClipText } from '../src/tokenizer/clean/open-clip-text.js'
import type { TokenizerConfig } from '../src/tokenizer/tokenizer-config.js'
import { checkFinite } from './formats/finite-values.js'
import { checkFloats } from './formats/check-floats.js'
import { checkReplaceable, isCheckpointFile } from './check-replaceable.js'
import { configOf, type ConfigOptions } from './configs/config-of.js'
import { isFloatDtype, type FloatDtype } from './formats/float-conversion.js'
import { GEMMA_TOKENS } from './configs/infer-config.js'
import { jsonFile, valueAt } from './configs/json-file.js'
import { NAMINGS, asNamed, asTransformers, namingOf, type Heads, type Naming } from './names/naming.js'
import { npzFile } from './formats/npz-file.js'
import { BIG_VISION_WEIGHTS, OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS, TOKENIZER_FILES } from '../src/hub/model-files.js'
import { openClipConfig } from './configs/open-clip-config.js'
import type { FileContent } from '../src/io/save-folder.js'
import { timmConfig } from './configs/timm-config.js'
import { inWholeModel, towerOnly, towersOf, type Tower } from './names/tower-names.js'
import { towerFields } from './configs/tower-sizes.js'
import { unwrapped } from './names/unwrapped.js'
import { weightFiles, type WeightFilesOptions } from './formats/weight-files.js'
import { openWeights } from './formats/open-weights.js'
import type { Weights } from './formats/weights.js'
import { withDtype } from './configs/with-dtype.js'
import type { JsonObject } from '../src/io/json.js'
import { readJsonObject } from '../src/hub/read-json.js'

/** How a checkpoint is converted. */
export interface ConvertOptions extends ConfigOptions, Pick<WeightFilesOptions, 'dtype' | 'maxShardSize'> {
  /** For whom. */
  readonly to: Naming
  /** Converts only this tower of a whole model. For timm it is always the image tower. */
  readonly tower?: Tower | undefined
  /** Told after each weight how many of their bytes are read. */
  readonly onProgress?: ((progress: { readonly readBytes: number; readonly totalBytes: number }) => void) | undefined
  /** Stops the conversion; nothing is written then. */
  readonly signal?: AbortSignal | undefined
}

/** What was written. */
export interface Conversion {
  readonly from: Naming
  /** Names in the new folder. */
  readonly files: readonly string[]
  /** What the new owner should know, each a sentence. */
  readonly notes: readonly string[]
}

/**
 * Writes a checkpoint in the format of another project: weights, configuration, tokenizer, image processor. One weight at a time is
 * in memory, and the folder is written as a whole or not at all.
 *
 * @param source a folder with weights of any format that `openWeights` knows.
 * @param destination a folder's path. A checkpoint of SigLIP in it gives way to the new one; other files stay.
 * @throws FileError, FormatError, ConfigError or WeightsError if the source can't be read, holds something else, or a weight is NaN,
 * infinite or too large for the new type; InputError for what the other format can't hold; FileError if other files of the destination
 * have a checkpoint's names.
 */
export async function convertCheckpoint(
  source: CheckpointFolder,
  destination: string,
  options: ConvertOptions,
): Promise<Conversion> {
  const { weights: stored, note } = unwrapped(await openWeights(source))
  const whole = await adapted(inWholeModel(asTransformers(stored)), source.adapter)
  const config = await configOf(source, stored, options)
  const tower = options.tower ?? (options.to === 'timm' ? 'vision' : undefined)
  const weights = tower === undefined ? whole : chosen(whole, tower, options.to)
  checkKnown(weights)
  checkFloats(weights.tensors, weights.location)
  const images = await imagesOf(source, config)
  const openClip = await openClipText(source, readTokenizerFile)
  const clean = openClip?.other?.[CLEANING] ?? (await cleaningOf(source))
  const { files, notes: ownNotes } = filesFor(weights, config, images, clean, options)
  const tokenizer =
    tower === 'vision' ? [] : await tokenizerOf(source, options.to === 'open_clip' ? undefined : openClip)
  const all = new Map([...files, ...tokenizer])
  const isCleaned = clean !== undefined && tokenizer.length > 0 && options.to !== 'open_clip'
  const notes = isCleaned ? [...ownNotes, cleaningNote(clean)] : ownNotes
  await saveFolder(destination, all, {
    replaces: isCheckpointFile,
    check: async (folder) => checkReplaceable(await openFolder(folder), all.keys()),
  })
  return {
    from: namingOf(stored.tensors.keys()),
    files: [...all.keys()],
    notes: note === undefined ? notes : [note, ...notes],
  }
}

interface Written {
  readonly files: ReadonlyMap<string, FileContent>
  readonly notes: readonly string[]
}

function filesFor(
  weights: Weights,
  config: JsonObject,
  images: JsonObject | undefined,
  clean: unknown,
  options: ConvertOptions,
): Written {
  const { to, dtype } = options
  const towers = towersOf(weights)
  const named = watched(asNamed(weights, to, headsOf(config)), options)
  if (to !== 'transformers') checkNamed(named, to)
  const isWhole = towers.length === 2
  const processor =
    images && towers.includes('vision') ? ([['preprocessor_config.json', jsonFile(images)]] as const) : []
  switch (to) {
    case 'transformers': {
      const own = configFor(config, weights, dtype)
      return {
        files: new Map([['config.json', jsonFile(own)], ...processor, ...weightFiles(named, options)]),
        notes: notesOn(images),
      }
    }
    case 'big_vision': {
      checkNoClassifier(weights, to)
      // big_vision has its configurations in code: transformers' own is saved beside the weights, for converting them back.
      const own = configFor(config, weights, dtype)
      const archive = npzFile(named, dtype)
      return {
        files: new Map([[BIG_VISION_WEIGHTS, archive], ['config.json', jsonFile(own)], ...processor]),
        notes: [],
      }
    }
    case 'open_clip': {
      checkNoClassifier(weights, to)
      if (!isWhole) {
        throw new InputError('open_clip has no format for a single tower', {
          expected: 'both towers',
          found: towers.join(', ') || 'none',
          where: weights.location,
          hint: 'Convert the image tower to timm.',
        })
      }
      const { json, notes } = openClipConfig(config, images, clean)
      const [content] = weightFiles(named, { dtype }).values()
      return {
        files: new Map([
          [OPEN_CLIP_CONFIG, jsonFile(json)],
          ...(content ? [[OPEN_CLIP_WEIGHTS, content] as const] : []),
          ...processor,
        ]),
        notes,
      }
    }
    case 'timm': {
      const classes = weights.tensors.get('classifier.weight')?.shape[0] ?? 0
      const { json, notes } = timmConfig(config, images, classes)
      return {
        files: new Map([['config.json', jsonFile(json)], ...processor, ...weightFiles(named, { dtype })]),
        notes,
      }
    }
  }
}

/** transformers reads no `resize_mode`; this package does. */
function notesOn(images: JsonObject | undefined): readonly string[] {
  if (images?.resize_mode === undefined) return []
  const mode = JSON.stringify(images.resize_mode)
  return [`Images are prepared with resize_mode ${mode}, which transformers does not know: there they are squashed.`]
}

/** Reports each weight that is read, checks that the new file can hold it, and stops when the signal aborts. */
function watched(weights: Weights, { onProgress, signal, dtype }: ConvertOptions): Weights {
  const bytes = (name: string): number => weights.tensors.get(name)?.byteLength ?? 0
  const totalBytes = [...weights.tensors.keys()].reduce((sum, name) => sum + bytes(name), 0)
  let readBytes = 0
  return {
    ...weights,
    async read(name, begin, end) {
      signal?.throwIfAborted()
      const values = await weights.read(name, begin, end)
      const own = weights.tensors.get(name)?.dtype ?? 'F32'
      checkFinite(values, name, weights.location, dtype ?? (isFloatDtype(own) ? own : 'F32'))
      readBytes += bytes(name)
      onProgress?.({ readBytes, totalBytes })
      return values
    },
  }
}

/** The tower that is asked for. timm's image tower may bring its classifier; it has no use for the pooling head then. */
function chosen(whole: Weights, tower: Tower, to: Naming): Weights {
  if (!towersOf(whole).includes(tower)) {
    throw new InputError(`The checkpoint lacks the ${tower} tower`, {
      found: towersOf(whole).join(', ') || 'none',
      where: whole.location,
    })
  }
  const own = towerOnly(whole, tower)
  if (to !== 'timm' || !whole.tensors.has('classifier.weight')) return own
  const kept = [...whole.tensors].filter(([name]) => /^(vision_model\.(?!head\.)|classifier\.)/.test(name))
  return { ...whole, tensors: new Map(kept) }
}

/** Weights that no table knows can't be converted: what they are for is not known. */
function checkKnown({ tensors, location }: Weights): void {
  const unknown = [...tensors.keys()].filter(
    (name) => !/^((vision|text)_model\.|classifier\.|logit_(scale|bias)$)/.test(name),
  )
  if (unknown.length === 0 && tensors.size > 0) return
  throw new WeightsError('The weights are not those of a SigLIP model', {
    expected: `weights of SigLIP in the names of one of ${NAMINGS.join(', ')}`,
    found: `${unknown.slice(0, 5).join(', ') || 'none'}${unknown.length > 5 ? ` and ${unknown.length - 5} more` : ''}`,
    where: location,
  })
}

/** Weights that keep transformers' names have no place in the format: those that an activation has learned. */
function checkNamed({ tensors, location }: Weights, to: Naming): void {
  const kept = [...tensors.keys()].filter((name) => /^(vision|text)_model\./.test(name))
  const [first] = kept
  if (first === undefined) return
  throw new InputError(`${to} has no place for some of the weights`, {
    found: kept.length > 1 ? `${first} and ${kept.length - 1} more` : first,
    where: location,
    hint: 'Convert to transformers.',
  })
}

function checkNoClassifier({ tensors, location }: Weights, to: Naming): void {
  if (!tensors.has('classifier.weight')) return
  throw new InputError(`${to} has no place for a classifier`, {
    where: location,
    hint: 'Convert to transformers or timm, or convert a single tower with --tower vision.',
  })
}

/** `config.json` of transformers for these weights, which may be one tower of those it was for. */
function configFor(config: JsonObject, weights: Weights, dtype: FloatDtype | undefined): JsonObject {
  const towers = towersOf(weights)
  const [only] = towers
  const family = String(config.model_type).startsWith('siglip2') ? 'Siglip2' : 'Siglip'
  const isClassifier = weights.tensors.has('classifier.weight')
  const kind = isClassifier
    ? 'ForImageClassification'
    : towers.length === 2
      ? 'Model'
      : only === 'text'
        ? 'TextModel'
        : 'VisionModel'
  const part = only === undefined ? undefined : config[`${only}_config`]
  const own = kind.endsWith('nModel') || kind === 'TextModel' ? (isObject(part) ? part : config) : config
  const [first] = weights.tensors.values()
  const stored = { F64: 'float64', F16: 'float16', BF16: 'bfloat16', F32: 'float32' } as const
  const type = dtype ?? (first && Object.hasOwn(stored, first.dtype) ? first.dtype : 'F32')
  const name = Object.entries(stored).find(([code]) => code === type)?.[1] ?? 'float32'
  return withDtype({ ...own, architectures: [family + kind] }, name)
}

function headsOf(config: JsonObject): Heads {
  return {
    vision: towerFields(config, 'vision_config').num_attention_heads,
    text: towerFields(config, 'text_config').num_attention_heads,
  }
}

/** The image processor's settings in transformers' spelling, from its own files, open_clip's or timm's, or as the model was trained. */
async function imagesOf(source: CheckpointFolder, config: JsonObject): Promise<JsonObject | undefined> {
  if (await source.has('preprocessor_config.json')) return readJsonObject(source, 'preprocessor_config.json')
  if (await source.has('processor_config.json')) {
    const { image_processor: nested } = await readJsonObject(source, 'processor_config.json')
    if (isObject(nested)) return nested
  }
  const size = valueAt(config, 'vision_config', 'image_size') ?? config.image_size
  const patches = valueAt(config, 'vision_config', 'num_patches') ?? config.num_patches
  if (typeof size !== 'number' && typeof patches !== 'number') return undefined
  const openClip = (await source.has(OPEN_CLIP_CONFIG)) ? await readJsonObject(source, OPEN_CLIP_CONFIG) : {}
  const timm = (await source.has('config.json')) ? await readJsonObject(source, 'config.json') : {}
  const told = valueAt(openClip, 'preprocess_cfg') ?? valueAt(timm, 'pretrained_cfg')
  const { mean, std, interpolation } = isObject(told) ? told : {}
  const foreign = foreignSettings(openClip, timm, source.location)
  const isBilinear =
    typeof interpolation === 'string'
      ? interpolation === 'bilinear'
      : valueAt(config, 'text_config', 'vocab_size') === GEMMA_TOKENS || typeof patches === 'number'
  const shared = {
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: mean ?? [0.5, 0.5, 0.5],
    image_std: std ?? [0.5, 0.5, 0.5],
    resample: isBilinear ? 2 : 3,
    rescale_factor: 1 / 255,
  }
  return typeof size === 'number'
    ? { ...shared, image_processor_type: 'SiglipImageProcessor', ...foreign, size: { height: size, width: size } }
    : {
        ...shared,
        image_processor_type: 'Siglip2ImageProcessor',
        max_num_patches: patches,
        patch_size: towerFields(config, 'vision_config').patch_size,
      }
}

/** How the texts of a folder that was written from open_clip's are cleaned. */
async function cleaningOf(source: CheckpointFolder): Promise<unknown> {
  const hasOne = await source.has(TOKENIZER_CONFIG)
  return hasOne ? ((await readJsonObject(source, TOKENIZER_CONFIG))[CLEANING] ?? undefined) : undefined
}

const TOKENIZER_CONFIG = 'tokenizer_config.json'

const cleaningNote = (clean: unknown): string =>
  `Texts are cleaned as by open_clip’s ${JSON.stringify(clean)}, which transformers does not do: clean them before, there.`

/** The tokenizer's files as they are; out of a folder of open_clip, with what its own file says of the tokenizer. */
async function tokenizerOf(
  source: CheckpointFolder,
  openClip: TokenizerConfig | undefined,
): Promise<[string, FileContent][]> {
  const files: [string, FileContent][] = []
  for (const name of TOKENIZER_FILES) if (await source.has(name)) files.push([name, await source.bytes(name)])
  if (!openClip || files.length === 0) return files
  const own = (await source.has(TOKENIZER_CONFIG)) ? await readJsonObject(source, TOKENIZER_CONFIG) : {}
  const isOfT5 = /^T5Tokenizer(Fast)?$/.test(String(own.tokenizer_class)) // whose `tokenizer.json` says all
  const config = {
    ...own,
    ...(isOfT5 && { pad_token: own.pad_token ?? '<pad>', tokenizer_class: 'PreTrainedTokenizerFast' }),
    ...(openClip.paddingSide && { padding_side: openClip.paddingSide }),
    model_max_length: openClip.modelMaxLength,
    [CLEANING]: openClip.other?.[CLEANING],
  }
  return [...files.filter(([name]) => name !== TOKENIZER_CONFIG), [TOKENIZER_CONFIG, jsonFile(config)]]
}
