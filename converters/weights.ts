import { FileError } from '../src/errors.js'
import type { CheckpointFolder } from '../src/hub/checkpoint-folder.js'
import { checkFileName } from '../src/hub/file-name.js'
import type { Dtype } from './dtypes.js'
import { openWeightsFile } from './open-weights-file.js'
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
  /**
   * A weight's elements as float32, in row-major order, in an array of their own.
   *
   * @param begin the first element wanted. Default: 0.
   * @param end the first one not wanted any more. Default: all.
   * @throws InputError if there is no weight of that name.
   */
  read(name: string, begin?: number, end?: number): Promise<Float32Array<ArrayBuffer>>
}

/** Which of a folder's weights to open. */
export interface WeightsOptions {
  /** The name of a file in the folder, where it isn't one of the usual names. */
  readonly file?: string | undefined
  /** Part of the usual names, as in `model.fp16.safetensors`. */
  readonly variant?: string | undefined
}

/**
 * Opens the weights of a checkpoint folder, under the names that the file gives them: `model.safetensors` or `pytorch_model.bin`,
 * one file or shards with an index, or those of open_clip. What a file is shows its content, not its name.
 *
 * @throws FileError if the folder has no weights or lacks a shard; FormatError if they are damaged.
 */
export async function openWeights(folder: CheckpointFolder, { file, variant }: WeightsOptions = {}): Promise<Weights> {
  if (file !== undefined) return openFile(folder, checkFileName(file))
  const names = usualNames(variant)
  for (const name of names) if (await folder.has(name)) return openFile(folder, name)
  throw new FileError('The folder holds no weights', {
    expected: names.join(' or '),
    where: folder.location,
    hint: 'Fetch the weights, or name their file.',
  })
}

function usualNames(variant: string | undefined): string[] {
  const suffix = variant === undefined ? '' : `.${variant}`
  const safetensors = [
    `model${suffix}.safetensors`,
    `model.safetensors.index${suffix}.json`,
    'open_clip_model.safetensors',
  ]
  const torch = [`pytorch_model${suffix}.bin`, `pytorch_model.bin.index${suffix}.json`, 'open_clip_pytorch_model.bin']
  return [...safetensors, ...torch]
}

function openFile(folder: CheckpointFolder, name: string): Promise<Weights> {
  if (!name.endsWith('.json')) return openWeightsFile(folder, name)
  return openShards(folder, name, (shard) => openWeightsFile(folder, shard))
}
