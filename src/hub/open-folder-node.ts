import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError, FileError } from '../errors.js'
import { AdapterFolder } from './adapter-folder.js'
import { ADAPTER_CONFIG } from './model-files.js'
import type { CheckpointFolder, CheckpointSource } from './checkpoint-folder.js'
import type { HubOptions } from './hub-options.js'
import { clearInterruptedSaves } from '../io/interrupted-save.js'
import { contents, kindOf, LocalFolder } from './local-folder.js'
import { isModelId, modelAt } from './model-id.js'
import { openFolder as openUrl } from './open-folder-web.js'
import { openHubFolder } from './open-hub-folder.js'

/**
 * Opens a checkpoint folder: on disk, behind an `http:` or `https:` URL, or on the Hugging Face Hub. A folder on disk goes before a
 * model of the same name. Symbolic links are followed.
 *
 * @param source a path of a folder, or of a file of weights, which is then the one that is taken of its folder; a `file:`, `http:`
 * or `https:` URL; or a model's name on the hub (`google/siglip-base-patch16-224`, at a revision `owner/name@v2`), whose files are downloaded when they are first
 * read and kept in the cache that Python's huggingface_hub uses.
 * The folder of a peft adapter opens together with the base model that its configuration names.
 *
 * @param options of the hub; at another URL only `fetch` counts.
 * @throws FileError if the folder is missing, listing what there is; HubError if the hub lacks the model, refuses it, or can't be
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
  if (found === 'directory') return withBase(new LocalFolder(location), options)
  if (found === 'file') return new LocalFolder(path.dirname(location), path.basename(location))
  if (found === undefined && (isModelId(text) || modelAt(text))) {
    const folder = await openHubFolder(text, options)
    return (await folder.has('config.json')) ? folder : withBase(folder, options)
  }
  throw new FileError(found === undefined ? 'Folder not found' : 'The path is not a folder', {
    expected: 'a folder with config.json and weights',
    found: found ?? (await contents(path.dirname(location))),
    where: location,
    hint: 'Give the path of the folder that holds the checkpoint.',
  })
}

/** The folder of an adapter together with its base model, which may lie beside the adapter; any other folder as it is. */
async function withBase(folder: CheckpointFolder, options: HubOptions): Promise<CheckpointFolder> {
  if (!(await folder.has(ADAPTER_CONFIG))) return folder
  return new AdapterFolder(folder, async (base, revision) => {
    const beside = path.resolve(folder.location, base)
    const isBeside = (await kindOf(path.resolve(base))) === undefined && (await kindOf(beside)) === 'directory'
    const opened = await openFolder(isBeside ? beside : base, { ...options, revision })
    if (opened.adapter === undefined) return opened
    throw new ConfigError('The base model of an adapter is an adapter itself', {
      expected: 'a whole model',
      found: base,
      where: `${folder.location}/${ADAPTER_CONFIG}`,
      hint: 'Merge the two first: load, mergeLora, savePretrained.',
    })
  })
}
