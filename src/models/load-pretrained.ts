import * as tf from '@tensorflow/tfjs'
import { useBackend } from '#backend'
import { openFolder } from '#open-folder'
import { asTransformers } from '../../converters/naming.js'
import { openWeights } from '../../converters/weights.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { ParameterScope, randomSource, type ParameterSpec } from '../layers/parameter-scope.js'
import {
  compareWeights,
  weightsError,
  type LoadingInfo,
  type ModelOptions,
  type PreTrainedModel,
} from './pre-trained-model.js'
import { readConfig } from './pretrained-config.js'

/** Where a checkpoint is: a folder's path or URL, or an open folder. */
export type PretrainedSource = string | URL | CheckpointFolder

export interface LoadOptions {
  /** Whether a missing or unexpected weight is an error; if not, missing ones start at random. Default: true. */
  readonly strict?: boolean | undefined
  /** Told what was missing and unexpected. */
  readonly onLoadingInfo?: ((info: LoadingInfo) => void) | undefined
  /** Told after each weight how many of their bytes are read. */
  readonly onProgress?: ((progress: { readonly loadedBytes: number; readonly totalBytes: number }) => void) | undefined
  /** Of the weights that start at random. */
  readonly seed?: number | undefined
  /** Stops the loading. */
  readonly signal?: AbortSignal | undefined
}

interface ModelClass<C, M extends PreTrainedModel> {
  readonly className: string
  /** Prefix of the weights' names where this is a part of a whole model. */
  readonly prefix: string
  new (config: C, options: ModelOptions): M
}

/**
 * Builds a model from a folder's `config.json` and weights. Names and shapes are compared before any weight is read.
 * @throws {FileError | ConfigError | FormatError | WeightsError}
 */
export async function loadPretrained<C, M extends PreTrainedModel>(
  Model: ModelClass<C, M>,
  Config: { fromJSON(json: object): C },
  source: PretrainedSource,
  { strict = true, onLoadingInfo, onProgress, seed, signal }: LoadOptions = {},
): Promise<M> {
  const folder = typeof source === 'string' || source instanceof URL ? await openFolder(source) : source
  const config = Config.fromJSON(await readConfig(folder))
  const weights = asTransformers(await openWeights(folder))
  await useBackend()
  const specs = parametersOf((scope) => new Model(config, { scope }))
  const names = modelNames(weights.tensors.keys(), Model.prefix, specs)

  const expected = new Map(specs.map(({ name, shape }) => [name, shape]))
  const found = new Map([...names].map(([inFile, name]) => [name, weights.tensors.get(inFile)?.shape ?? []]))
  const info = compareWeights(expected, found)
  if (info.mismatchedKeys.length > 0 || (strict && info.missingKeys.length + info.unexpectedKeys.length > 0)) {
    throw weightsError(info, weights.tensors.keys(), `${Model.className} from ${folder.location}`)
  }
  onLoadingInfo?.(info)

  const values = new Map<string, tf.Tensor>()
  const wanted = [...names].filter(([, name]) => expected.has(name))
  const bytes = (inFile: string): number => weights.tensors.get(inFile)?.byteLength ?? 0
  const totalBytes = wanted.reduce((sum, [inFile]) => sum + bytes(inFile), 0)
  let loadedBytes = 0
  try {
    for (const [inFile, name] of wanted) {
      signal?.throwIfAborted()
      values.set(name, tf.tensor(await weights.read(inFile), [...(expected.get(name) ?? [])]))
      loadedBytes += bytes(inFile)
      onProgress?.({ loadedBytes, totalBytes })
    }
    const random = randomSource(seed)
    return new Model(config, { scope: new ParameterScope((spec) => values.get(spec.name) ?? random(spec)) })
  } catch (error) {
    tf.dispose([...values.values()])
    throw error
  }
}

/** What a model declares, without memory being taken for it: a configuration may ask for more than there is. */
function parametersOf(build: (scope: ParameterScope) => PreTrainedModel): ParameterSpec[] {
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
