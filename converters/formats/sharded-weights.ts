import { FileError, FormatError } from '../../src/errors.js'
import { isObject } from '../../src/io/is-object.js'
import { type CheckpointFolder, placeOf } from '../../src/hub/checkpoint-folder.js'
import { checkFileName } from '../../src/io/file-name.js'
import { unknownTensor } from './stored-tensor.js'
import type { WeightInfo, Weights } from './weights.js'
import { readJsonObject } from '../../src/hub/read-json.js'

/**
 * Opens weights in several files, with an index (`model.safetensors.index.json`) that says which weight is in which. The
 * index and the files must agree: every weight in one place. One that the index leaves out is found in its file, as in transformers.
 *
 * @param open opens one of the files by its name in the folder.
 * @throws FileError if files are missing, naming the first of them; FormatError if the index and the files disagree.
 */
export async function openShards(
  folder: CheckpointFolder,
  indexName: string,
  open: (name: string) => Promise<Weights>,
): Promise<Weights> {
  const location = placeOf(folder, indexName)
  const places = await readIndex(folder, indexName, location)
  const shardNames = [...new Set(places.values())]
  const missing = []
  for (const name of shardNames) if (!(await folder.has(name))) missing.push(name)
  if (missing.length > 0) {
    throw new FileError('Shards are missing', {
      expected: missing.slice(0, 10).join(', ') + (missing.length > 10 ? ` and ${missing.length - 10} more` : ''),
      where: location,
      hint: 'Fetch the whole folder.',
    })
  }

  const shards = new Map<string, Weights>()
  const tensors = new Map<string, WeightInfo>()
  for (const shardName of shardNames) {
    const shard = await open(shardName)
    shards.set(shardName, shard)
    for (const [name, info] of shard.tensors) {
      const file = places.get(name) ?? shardName
      if (file !== shardName) throw disagree(location, `${JSON.stringify(name)} in ${file}`, `it in ${shardName}`)
      places.set(name, shardName)
      tensors.set(name, info)
    }
  }
  for (const [name, file] of places) {
    if (!tensors.has(name)) throw disagree(location, `${JSON.stringify(name)} in ${file}`, 'no such tensor there')
  }

  return {
    location,
    tensors,
    async read(name, begin, end) {
      const shard = shards.get(places.get(name) ?? '')
      if (shard) return shard.read(name, begin, end)
      throw unknownTensor(name, tensors.keys(), location)
    },
  }
}

async function readIndex(folder: CheckpointFolder, name: string, location: string): Promise<Map<string, string>> {
  const { weight_map: weightMap } = await readJsonObject(folder, name, FormatError).catch((cause: unknown) => {
    throw cause instanceof FormatError ? noIndex(location, cause.message, cause) : cause
  })
  if (!isObject(weightMap)) throw noIndex(location, 'no "weight_map"')
  const files = new Map<string, string>()
  for (const [tensor, file] of Object.entries(weightMap)) {
    if (typeof file !== 'string' || !isShardName(file))
      throw noIndex(location, `no file of the folder for ${JSON.stringify(tensor)}`)
    files.set(tensor, file)
  }
  if (files.size === 0) throw noIndex(location, 'an empty "weight_map"')
  return files // nothing is asked of "metadata", as in transformers: some published total sizes are wrong
}

/** A file inside the folder, and no further index: indexes that name each other would never end. */
function isShardName(name: string): boolean {
  try {
    return !checkFileName(name).endsWith('.json')
  } catch {
    return false
  }
}

function noIndex(where: string, found: string, cause?: unknown): FormatError {
  return new FormatError('Invalid weight index', {
    expected: 'a JSON object whose "weight_map" names a file of the folder for every tensor',
    found,
    where,
    cause,
  })
}

function disagree(where: string, expected: string, found: string): FormatError {
  return new FormatError('The index and the shards disagree', {
    expected,
    found,
    where,
    hint: 'Fetch the whole folder again.',
  })
}
