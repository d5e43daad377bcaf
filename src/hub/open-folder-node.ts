import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { FileError } from '../errors.js'
import type { CheckpointFolder, CheckpointSource } from './checkpoint-folder.js'
import type { HubOptions } from './hub-options.js'
import { clearInterruptedSaves } from './interrupted-save.js'
import { contents, kindOf, LocalFolder } from './local-folder.js'
import { isModelId } from './model-id.js'
import { openFolder as openUrl } from './open-folder-web.js'
import { openHubFolder } from './open-hub-folder.js'

/**
 * Opens a checkpoint folder: on disk, behind an `http:` or `https:` URL, or on the Hugging Face Hub. A folder on disk goes before a
 * model of the same name. Symbolic links are followed.
 *
 * @param source a path of a folder, or of a file of weights, which is then the one that is taken of its folder; a `file:`, `http:`
 * or `https:` URL; or a model's name on the hub (`google/siglip-base-patch16-224`), whose files are downloaded when they are first
 * read and kept in the cache that Python's huggingface_hub uses.
 * @param options of the hub; at another URL only `fetch` counts.
 * @throws FileError if there is no such folder, saying what there is; HubError if the hub has no such model, refuses it, or can't be
 * reached.
 */
export async function openFolder(source: CheckpointSource, options: HubOptions = {}): Promise<CheckpointFolder> {
  if (typeof source === 'object' && 'bytes' in source) return source
  const text = String(source)
  if (/^https?:/i.test(text)) return openUrl(text, options)
  const location = path.resolve(/^file:/i.test(text) ? fileURLToPath(text) : text)
  let found = await kindOf(location)
  if (found === undefined) {
    await clearInterruptedSaves(location) // which may give it back
    found = await kindOf(location)
  }
  if (found === 'directory') return new LocalFolder(location)
  if (found === 'file') return new LocalFolder(path.dirname(location), path.basename(location))
  if (found === undefined && isModelId(text)) return openHubFolder(text, options)
  throw new FileError(found === undefined ? 'No such folder' : 'Not a folder', {
    expected: 'a folder with config.json and weights',
    found: found ?? (await contents(path.dirname(location))),
    where: location,
    hint: 'Give the path of the folder that holds the checkpoint.',
  })
}
