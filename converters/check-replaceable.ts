import { FileError, SiglipError } from '../src/errors.js'
import { isObject } from '../src/io/is-object.js'
import type { CheckpointFolder } from '../src/hub/checkpoint-folder.js'
import {
  ADAPTER_CONFIG,
  BIG_VISION_WEIGHTS,
  IMAGE_PROCESSOR_FILES,
  OPEN_CLIP_CONFIG,
  OPEN_CLIP_WEIGHTS,
  TOKENIZER_FILES,
  weightsNames,
} from '../src/hub/model-files.js'
import { asTransformers } from './names/naming.js'
import { inWholeModel, towersOf } from './names/tower-names.js'
import { isSavedWeightFile } from './formats/weight-files.js'
import { unwrapped } from './names/unwrapped.js'
import { openWeights } from './formats/open-weights.js'
import { readJsonObject } from '../src/hub/read-json.js'

/** Whether a conversion writes files of that name, in one format or another: a new checkpoint takes the place of an old one. */
export function isCheckpointFile(name: string): boolean {
  return isWeights(name) || isConfig(name) || isSetting(name)
}

const isWeights = (name: string): boolean =>
  isSavedWeightFile(name) || name === OPEN_CLIP_WEIGHTS || name === BIG_VISION_WEIGHTS

const isConfig = (name: string): boolean => name === 'config.json' || name === OPEN_CLIP_CONFIG

const isSetting = (name: string): boolean => [...IMAGE_PROCESSOR_FILES, ...TOKENIZER_FILES].includes(name)

/**
 * Checks that a new checkpoint takes the place of nothing but another one of SigLIP, and is the one that loading finds then.
 *
 * @param folder that it goes into.
 * @param written the names of its files.
 * @throws FileError naming the files that would be overwritten.
 */
export async function checkReplaceable(folder: CheckpointFolder, written: Iterable<string>): Promise<void> {
  const own = folder.adapter ?? folder // only the adapter’s files, in an adapter’s folder
  const names = (await own.names?.()) ?? []
  const configs = names.filter(isConfig)
  const weights = names.filter(isWeights)
  const settings = names.filter(isSetting)
  const foreign = folder.adapter || names.includes(ADAPTER_CONFIG) ? [ADAPTER_CONFIG] : []
  for (const name of configs) if (!(await isConfigOfSiglip(folder, name))) foreign.push(name)
  for (const name of weights) if (!(await hasWeightsOfSiglip(folder, name))) foreign.push(name)
  if (configs.length === 0 || foreign.length > 0) for (const name of settings) foreign.push(name)
  if (foreign.length > 0) {
    throw new FileError('The folder holds other files under names of a checkpoint', {
      expected: 'the checkpoint of a SigLIP model, or none',
      found: listed(foreign),
      where: folder.location,
      hint: 'Name another folder, or move them away.',
    })
  }
  const order = weightsNames()
  const news = new Set(written)
  const first = order.findIndex((name) => news.has(name))
  const before = order.slice(0, Math.max(first, 0)).filter((name) => names.includes(name) && !isWeights(name))
  if (before.length === 0) return
  throw new FileError('The folder holds weights that would be loaded in place of the new ones', {
    found: listed(before),
    where: folder.location,
    hint: 'Name another folder, or move them away.',
  })
}

async function isConfigOfSiglip(folder: CheckpointFolder, name: string): Promise<boolean> {
  const json = await unlessUnreadable(() => readJsonObject(folder, name))
  if (name === OPEN_CLIP_CONFIG) return isObject(json?.model_cfg)
  return String(json?.model_type).startsWith('siglip') || typeof json?.architecture === 'string'
}

async function hasWeightsOfSiglip(folder: CheckpointFolder, name: string): Promise<boolean> {
  if (name.endsWith('.json')) return isObject((await unlessUnreadable(() => readJsonObject(folder, name)))?.weight_map)
  const weights = await unlessUnreadable(async () => {
    const { tensors } = inWholeModel(asTransformers(unwrapped(await openWeights(folder, { file: name })).weights))
    return tensors.has('logit_scale') || tensors.has('logit_bias') || towersOf({ tensors }).length > 0
  })
  return weights === true
}

/** What can't be read is nothing that a conversion wrote. */
async function unlessUnreadable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof SiglipError) return undefined
    throw error
  }
}

const listed = (names: readonly string[]): string =>
  `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`
