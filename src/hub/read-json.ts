import { ConfigError } from '../errors.js'
import { type ErrorClass, type JsonObject, parseJsonObject } from '../io/json.js'
import { type CheckpointFolder, placeOf } from './checkpoint-folder.js'

/**
 * Configurations are a few kilobytes; those with the names of several hundred thousand classes, many megabytes. An index of weights has
 * room for a million tensors.
 */
export const MAX_JSON_BYTES = 100_000_000

/**
 * Reads a file of a checkpoint folder that holds a JSON object.
 *
 * @param ReadError the class of the error for content that is not a JSON object or is too large. Default: ConfigError.
 * @throws FileError if the file is missing.
 */
export async function readJsonObject(
  folder: CheckpointFolder,
  name: string,
  ReadError: ErrorClass = ConfigError,
  maxBytes = MAX_JSON_BYTES,
): Promise<JsonObject> {
  const where = placeOf(folder, name)
  const size = await folder.size(name)
  if (size > maxBytes) {
    throw new ReadError('The file is too large', { expected: `at most ${maxBytes} bytes`, found: `${size}`, where })
  }
  return parseJsonObject(await folder.bytes(name), where, ReadError)
}
