import { FileError, type ErrorDetail } from '../src/errors.js'
import type { CheckpointFolder } from '../src/hub/checkpoint-folder.js'
import { checkFileName } from '../src/hub/file-name.js'
import type { Dtype } from './dtypes.js'
import { openSafetensors } from './safetensors.js'
import { openShards } from './sharded-weights.js'

/** A weight in a checkpoint. */
export interface WeightInfo {
  /** As it is stored; it is read as float32. */
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** Of the stored bytes. */
  readonly byteLength: number
}

/** The weights of a checkpoint, by name, whatever format they are stored in. Each is read when asked for. */
export interface Weights {
  /** The file they come from, for messages. */
  readonly location: string
  readonly tensors: ReadonlyMap<string, WeightInfo>
  /** A weight's elements as float32, in an array of its own. @throws InputError if there is none of that name. */
  read(name: string): Promise<Float32Array<ArrayBuffer>>
}

/** Which of a folder's weights to open. */
export interface WeightsOptions {
  /** The name of a file in the folder, where it isn't one of the usual names. */
  readonly file?: string | undefined
  /** Part of the usual names, as in `model.fp16.safetensors`. */
  readonly variant?: string | undefined
}

/**
 * Opens the weights of a checkpoint folder: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
 *
 * @throws FileError if the folder has no weights or lacks a shard; FormatError if they are damaged.
 */
export async function openWeights(folder: CheckpointFolder, { file, variant }: WeightsOptions = {}): Promise<Weights> {
  if (file !== undefined) return openFile(folder, checkFileName(file))
  const names = usualNames(variant)
  for (const name of names) if (await folder.has(name)) return openFile(folder, name)
  throw noWeights({ expected: names.join(' or '), where: folder.location })
}

function usualNames(variant: string | undefined): string[] {
  const suffix = variant === undefined ? '' : `.${variant}`
  return [`model${suffix}.safetensors`, `model.safetensors.index${suffix}.json`]
}

function openFile(folder: CheckpointFolder, name: string): Promise<Weights> {
  if (name.endsWith('.json')) return openShards(folder, name, (shard) => openFile(folder, shard))
  return openOneSafetensors(folder, name)
}

async function openOneSafetensors(folder: CheckpointFolder, name: string): Promise<Weights> {
  const location = `${folder.location.replace(/\/$/, '')}/${name}`
  const file = await openSafetensors({
    name: location,
    size: await folder.size(name),
    read: (start, end) => folder.range(name, start, end),
  })
  return { location, tensors: file.tensors, read: (tensor) => file.readFloat32(tensor) }
}

function noWeights(detail: ErrorDetail): FileError {
  return new FileError('The folder holds no weights', { hint: 'Fetch the weights, or name their file.', ...detail })
}
