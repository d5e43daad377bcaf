import { FileError } from '../../src/errors.js'
import { refuseAdapterAlone } from '../../src/hub/adapter-folder.js'
import type { CheckpointFolder } from '../../src/hub/checkpoint-folder.js'
import { checkFileName } from '../../src/io/file-name.js'
import { weightsNames } from '../../src/hub/model-files.js'
import { openWeightsFile } from './open-weights-file.js'
import { openShards } from './sharded-weights.js'
import type { Weights } from './weights.js'

/** Which of a folder's weights to open. */
export interface WeightsOptions {
  /** The name of a file in the folder, where it isn't one of the usual names. */
  readonly file?: string | undefined
  /** Part of the usual names, as in `model.fp16.safetensors`. */
  readonly variant?: string | undefined
}

/**
 * Opens the weights of a checkpoint folder, under the names that the file gives them: `model.safetensors` or `pytorch_model.bin`,
 * one file or shards with an index, those of open_clip, or else the only weight file, such as an `.npz`. What a file is
 * shows its content, not its name.
 *
 * @throws FileError if the folder has no weights, several of other names, or lacks a shard; FormatError if they are damaged.
 */
export async function openWeights(folder: CheckpointFolder, { file, variant }: WeightsOptions = {}): Promise<Weights> {
  const named = file ?? (variant === undefined ? folder.weightsFile : undefined)
  if (named !== undefined) return openFile(folder, checkFileName(named))
  const names = weightsNames(variant)
  for (const name of names) if (await folder.has(name)) return openFile(folder, name)
  const others = variant === undefined ? await otherWeights(folder) : []
  const [only] = others
  if (only !== undefined && others.length === 1) return openFile(folder, only)
  if (others.length === 0) await refuseAdapterAlone(folder)
  throw new FileError(others.length > 1 ? 'The folder holds several files of weights' : 'The folder holds no weights', {
    expected: `${names.join(' or ')}, or a single .npz`,
    found: others.length > 1 ? others.slice(0, 10).join(', ') : undefined,
    where: folder.location,
    hint: others.length > 1 ? 'Name the one that is wanted.' : 'Fetch the weights, or name their file.',
  })
}

/** Files that look like weights with other names: not variants, nor shards whose index is missing. */
async function otherWeights(folder: CheckpointFolder): Promise<readonly string[]> {
  const names = (await folder.names?.()) ?? []
  const own = /^(?!((pytorch_)?model|adapter_model)[.-])[^/.][^/]*\.(npz|safetensors|bin|pt|pth|ckpt)$|^model\.npz$/
  return names.filter((name) => own.test(name)).sort()
}

function openFile(folder: CheckpointFolder, name: string): Promise<Weights> {
  if (!name.endsWith('.json')) return openWeightsFile(folder, name)
  return openShards(folder, name, (shard) => openWeightsFile(folder, shard))
}
