import * as tf from '@tensorflow/tfjs'
import { NATIVE } from '../../backend/backend-report.js'
import { useBackend } from '../../jit/use-backend.js'
import { openFolder } from '#open-folder'
import { adapted } from '../../../converters/names/adapted.js'
import { checkFinite, nonFiniteWeight } from '../../../converters/formats/finite-values.js'
import { checkFloats } from '../../../converters/formats/check-floats.js'
import { fromFloat32, toFloat32 } from '../../../converters/formats/float-conversion.js'
import { asTransformers } from '../../../converters/names/naming.js'
import { readAhead } from '../../../converters/formats/read-ahead.js'
import { unwrapped } from '../../../converters/names/unwrapped.js'
import { openWeights } from '../../../converters/formats/open-weights.js'
import type { CheckpointFolder, CheckpointSource } from '../../hub/checkpoint-folder.js'
import type { HubOptions } from '../../hub/hub-options.js'
import { interpolatePositions } from '../../layers/embedding.js'
import {
  ParameterScope,
  randomSource,
  type LayerOptions,
  type Module,
  type ParameterSpec,
} from '../../layers/module.js'
import { compareWeights, weightsError, type LoadingInfo } from './compare-weights.js'
import { firstNonFiniteOf } from './non-finite.js'
import { readConfig } from './pretrained-config.js'
import type { ProblemType } from './config-fields.js'

/** How a model is loaded, and how it is fetched from the hub if it comes from there. */
export interface LoadOptions extends Omit<HubOptions, 'onProgress'> {
  /** Called for each piece of a file that arrives from the hub. */
  readonly onDownload?: HubOptions['onProgress']
  /** Whether a missing or unexpected weight is an error; if not, missing ones start at random. Default: true. */
  readonly strict?: boolean | undefined
  /** Whether weights of another shape than the model's start at random, which a line reports; if not, they are an error. Default: false. */
  readonly ignoreMismatchedSizes?: boolean | undefined
  /** Called with what was missing and unexpected. */
  readonly onLoadingInfo?: ((info: LoadingInfo) => void) | undefined
  /** Called after each weight, with the bytes read so far. */
  readonly onProgress?: ((progress: { readonly loadedBytes: number; readonly totalBytes: number }) => void) | undefined
  /** Of the weights that start at random. */
  readonly seed?: number | undefined
  /** Stops the loading. */
  readonly signal?: AbortSignal | undefined
  /** A classifier's number of classes, instead of the checkpoint's; where that has none, or of another number, it starts at random. */
  readonly numLabels?: number | undefined
  /** The classes' names by their index, instead of the checkpoint's. */
  readonly id2label?: Readonly<Record<string, string>> | undefined
  readonly problemType?: ProblemType | undefined
  /** Side of the images in pixels, instead of the checkpoint's: the position embeddings are interpolated to it, once. */
  readonly imageSize?: number | undefined
  /** Rounds the weights to what this type can hold; they stay float32. Default: as they are stored. */
  readonly dtype?: 'float32' | 'float16' | 'bfloat16' | undefined
  /** Attention heads of towers that came without a configuration, where neither their weights nor their width shows it. */
  readonly heads?: number | undefined
}

/** A class of configurations. */
export interface ConfigClass {
  /** The configuration in a parsed `config.json`. @throws {ConfigError} */
  fromJSON(json: object): object
}

/** A class of models that checkpoint folders hold. */
export interface ModelClass {
  readonly className: string
  /** The class of its configuration, which its constructor takes. */
  readonly configClass: ConfigClass
  /** Prefix of the weights' names where this is a part of a whole model. */
  readonly prefix: string
  /** Prefix of the weights that a checkpoint needn't have: they start at random then, and a line reports it. */
  readonly head?: string
  new (config: never, options: LayerOptions): Module
}

/**
 * Builds a model from a folder's `config.json` and weights. Names and shapes are compared before any weight is read; a weight with a
 * NaN or an infinity is refused.
 * @throws {FileError | ConfigError | FormatError | WeightsError}
 */
export async function loadPretrained<T extends ModelClass>(
  Model: T,
  source: CheckpointSource,
  options: LoadOptions = {},
): Promise<InstanceType<T>> {
  const { strict = true, ignoreMismatchedSizes = false, onLoadingInfo, onProgress, signal } = options
  const folder = await openFolder(source, hubOptions(options))
  // Of a union of classes, no type fits all constructors; each takes what its configClass makes.
  const config = Model.configClass.fromJSON(withOptions(await readConfig(folder, options), options)) as never
  const { weights: stored, note } = unwrapped(await openWeights(folder))
  const weights = await adapted(asTransformers(stored), folder.adapter)
  await useBackend()
  const specs = parametersOf((scope) => new Model(config, { scope }))
  const names = modelNames(weights.tensors.keys(), Model.prefix, specs)

  const expected = new Map(specs.map(({ name, shape }) => [name, shape]))
  const found = new Map([...names].map(([inFile, name]) => [name, weights.tensors.get(inFile)?.shape ?? []]))
  const info = withoutResized(withoutHead(compareWeights(expected, found), Model.head, folder), options)
  const misshapen = info.mismatchedKeys.map(({ name }) => name)
  const hasOwnClasses = options.numLabels !== undefined || options.id2label !== undefined
  const startsAnew = (name: string): boolean =>
    ignoreMismatchedSizes || (hasOwnClasses && Model.head !== undefined && name.startsWith(Model.head))
  const areRefused = !misshapen.every(startsAnew)
  if (areRefused || (strict && info.missingKeys.length + info.unexpectedKeys.length > 0)) {
    const hint = areRefused ? 'ignoreMismatchedSizes lets those of another shape start at random.' : ''
    throw weightsError(info, weights.tensors.keys(), `${Model.className} from ${folder.location}`, hint)
  }
  if (note !== undefined) console.warn(`siglip-tfjs: ${note}`)
  if (misshapen.length > 0) warnOfMisshapen(misshapen, folder)
  const toRead = new Map([...names].filter(([, name]) => expected.has(name) && !misshapen.includes(name)))
  checkFloats(
    [...weights.tensors].filter(([inFile]) => toRead.has(inFile)),
    folder.location,
  )
  onLoadingInfo?.(info)

  const values = new Map<string, tf.Tensor>()
  const bytes = (inFile: string): number => weights.tensors.get(inFile)?.byteLength ?? 0
  const totalBytes = [...toRead.keys()].reduce((sum, inFile) => sum + bytes(inFile), 0)
  let loadedBytes = 0
  try {
    signal?.throwIfAborted()
    for await (const [inFile, read] of readAhead(weights, [...toRead.keys()])) {
      signal?.throwIfAborted()
      const name = toRead.get(inFile) ?? ''
      const inType = rounded(read, options.dtype)
      const tensor = fitted(inType, found.get(name) ?? [], expected.get(name) ?? [])
      values.set(name, tensor)
      await checkWeight(tensor, inType, inFile, folder.location)
      loadedBytes += bytes(inFile)
      onProgress?.({ loadedBytes, totalBytes })
    }
    const random = randomSource(options.seed)
    const scope = new ParameterScope((spec) => values.get(spec.name) ?? random(spec))
    return new Model(config, { scope }) as InstanceType<T>
  } catch (error) {
    tf.dispose([...values.values()])
    throw error
  }
}

/** Those of the hub among the options of loading. */
export const hubOptions = ({ onDownload, ...options }: LoadOptions): HubOptions => ({
  ...options,
  onProgress: onDownload,
})

/** `config.json` with what the caller wants otherwise. */
function withOptions(json: object, { numLabels, id2label, problemType, imageSize }: LoadOptions): object {
  const size = imageSize === undefined ? {} : { image_size: imageSize }
  const vision: unknown = 'vision_config' in json ? json.vision_config : undefined
  const labels =
    numLabels === undefined && id2label === undefined ? {} : { id2label, label2id: undefined, num_labels: numLabels }
  return {
    ...json,
    ...labels,
    ...(problemType && { problem_type: problemType }),
    ...(typeof vision === 'object' && vision ? { vision_config: { ...vision, ...size } } : size),
  }
}

/** A base checkpoint loaded as a classifier has no classifier: that is a warning, not an error. */
function withoutHead(info: LoadingInfo, head: string | undefined, folder: CheckpointFolder): LoadingInfo {
  const fresh = info.missingKeys.filter((name) => head !== undefined && name.startsWith(`${head}.`))
  if (fresh.length === 0) return info
  console.warn(`siglip-tfjs: ${folder.location} has no ${head}; a new one starts at random and wants training.`)
  return { ...info, missingKeys: info.missingKeys.filter((name) => !fresh.includes(name)) }
}

/** Weights for which another shape was asked start as in a new model, with a warning, as a missing classifier does. */
function warnOfMisshapen(names: readonly string[], { location }: CheckpointFolder): void {
  const more = names.length > 8 ? ` and ${names.length - 8} more` : ''
  console.warn(
    `siglip-tfjs: ${location} has ${names.slice(0, 8).join(', ')}${more} in other shapes; new ones start at random and want training.`,
  )
}

const positions = /(^|^vision_model\.)embeddings\.position_embedding\.weight$/

/** Position embeddings of another square grid are interpolated, if another image size was asked for. */
function withoutResized(info: LoadingInfo, { imageSize }: LoadOptions): LoadingInfo {
  if (imageSize === undefined) return info
  const canBeResized = ({ name, expected, found }: LoadingInfo['mismatchedKeys'][number]): boolean =>
    positions.test(name) && expected[1] === found[1] && Number.isInteger(Math.sqrt(found[0] ?? NaN))
  return { ...info, mismatchedKeys: info.mismatchedKeys.filter((key) => !canBeResized(key)) }
}

function fitted(values: Float32Array, found: readonly number[], expected: readonly number[]): tf.Tensor {
  const [from = 0, hidden = 0] = found
  const [to = 0] = expected
  if (from === to || found.length !== 2) return tf.tensor(values, [...expected])
  const grid = Math.sqrt(to)
  return tf.tidy(() => interpolatePositions(tf.tensor2d(values, [from, hidden]), Math.sqrt(from), grid, grid))
}

/**
 * Checks that a weight is finite. On the native backend its own threads add them up, which reads an array faster than
 * JavaScript does. It also uses the tensor for the first time: until then that backend keeps the array that it is given, and copies it
 * then, so that a model would be twice in memory while it computes its first answer.
 *
 * @throws {WeightsError}
 */
async function checkWeight(tensor: tf.Tensor, values: Float32Array, name: string, where: string): Promise<void> {
  if (tf.getBackend() !== NATIVE) {
    checkFinite(values, name, where)
    return
  }
  const bad = await firstNonFiniteOf(tensor)
  if (bad) throw nonFiniteWeight(bad.value, bad.index, name, where)
}

function rounded(values: Float32Array<ArrayBuffer>, dtype: LoadOptions['dtype']): Float32Array {
  if (dtype === undefined || dtype === 'float32') return values
  const code = dtype === 'float16' ? 'F16' : 'BF16'
  return toFloat32(code, fromFloat32(values, code))
}

/** What a model declares, without memory being taken for it: a configuration may ask for more than there is. */
function parametersOf(build: (scope: ParameterScope) => Module): ParameterSpec[] {
  const specs: ParameterSpec[] = []
  // Under a prefix, or tfjs would number the names of the variables that are made afterwards.
  const nothing: ParameterScope = new ParameterScope((spec) => {
    specs.push({ ...spec, name: nothing.relative(spec.name) })
    return tf.scalar(0)
  }, 'declared')
  build(nothing).dispose()
  return specs
}

const parts: readonly (string | undefined)[] = ['text_model', 'vision_model', 'logit_scale', 'logit_bias', 'classifier']

/**
 * The names of a file's weights in the model: without the prefix that a tower has as a part of a whole model, and without the
 * weights of parts that this model hasn't got.
 */
function modelNames(inFile: Iterable<string>, prefix: string, specs: readonly ParameterSpec[]): Map<string, string> {
  const own = new Set(specs.map(({ name }) => name.split('.')[0]))
  const names = new Map<string, string>()
  for (const whole of inFile) {
    const name = prefix && whole.startsWith(`${prefix}.`) ? whole.slice(prefix.length + 1) : whole
    const [part] = name.split('.')
    const isOfAnotherPart = parts.includes(part) && !own.has(part)
    const isBuffer = name.endsWith('.position_ids') // old checkpoints have 0, 1, 2 … beside the embeddings
    if (!isOfAnotherPart && !isBuffer) names.set(whole, name)
  }
  return names
}
