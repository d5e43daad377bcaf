import type { HubOptions } from './hub-options.js'
import { modelFiles, shardsOf } from './model-files.js'
import { openHubFolder } from './open-hub-folder.js'

/** How a model is downloaded. */
export interface DownloadOptions extends HubOptions {
  /** The names of the files to fetch. Default: those that loading the model needs, in one format. */
  readonly files?: readonly string[] | undefined
}

/**
 * Fetches what loading a model needs into the cache: its settings, its tokenizer, and its weights in one format, safetensors if there
 * are any.
 *
 * @param model `owner/name`, as on the hub.
 * @returns the folder in the cache.
 * @throws HubError | InputError as `openFolder`
 * @example
 *     const folder = await downloadModel('google/siglip-base-patch16-224', { revision: 'main' })
 */
export async function downloadModel(model: string, { files, ...options }: DownloadOptions = {}): Promise<string> {
  const folder = await openHubFolder(model, options)
  if (files) {
    for (const name of files) await folder.fetch(name)
    return folder.location
  }
  const { settings, weights } = modelFiles(await folder.names(), model)
  for (const name of settings) await folder.fetch(name)
  if (weights === undefined) return folder.location
  const shards = weights.endsWith('.json') ? shardsOf(await folder.bytes(weights), `${model}/${weights}`) : [weights]
  for (const name of shards) await folder.fetch(name)
  return folder.location
}
