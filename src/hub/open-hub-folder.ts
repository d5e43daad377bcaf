import { HubError, InputError } from '../errors.js'
import { hubSettings } from './hub-environment.js'
import { HubFolder } from './hub-folder.js'
import type { HubOptions } from './hub-options.js'
import { exists, isCommit, ModelCache } from './model-cache.js'
import { isModelId, modelAt, revisionOf } from './model-id.js'
import { commitOf } from './model-listing.js'

/**
 * Opens a model of the hub. Its files are fetched when they are first read, into the cache of Python's huggingface_hub: what Python
 * has fetched is found, and the reverse. While the hub is unreachable, the cache is used, with a warning.
 *
 * @param name `owner/name`, as on the hub, or `owner/name@revision`.
 * @throws HubError if the model or revision is missing, or it can't be reached and is not in the cache; InputError if `model` is
 * not a name or a setting is invalid.
 */
export async function openHubFolder(name: string, options: HubOptions = {}): Promise<HubFolder> {
  const named = modelAt(name)
  const model = named?.model ?? name
  if (!isModelId(model))
    throw new InputError('Invalid model name', {
      expected: 'a name such as "google/siglip-base-patch16-224"',
      found: JSON.stringify(model.slice(0, 200)),
    })
  const settings = await hubSettings(options)
  const { onProgress } = options
  const revision = revisionOf(named, options.revision)
  const cache = new ModelCache(settings.cacheDir, model)
  const folder = (commit: string, isOffline: boolean): HubFolder =>
    new HubFolder({ model, revision, commit, cache, isOffline, onProgress }, settings)

  const known = isCommit(revision) ? revision : await cache.readRef(revision)
  const cached = known !== undefined && (await exists(cache.snapshot(known))) ? known : undefined
  if (settings.offline) {
    if (cached !== undefined) return folder(cached, true)
    throw new HubError('The model is not in the cache', {
      expected: `${model}, revision ${revision}`,
      found: 'none of its files',
      where: settings.cacheDir,
      hint: 'Load it once with a connection: without localFilesOnly and HF_HUB_OFFLINE.',
    })
  }
  if (isCommit(revision)) return folder(revision, false)
  try {
    return folder(await commitOf(settings, model, revision, cached === undefined ? undefined : 1), false)
  } catch (error) {
    if (cached === undefined || !(error instanceof HubError) || error.status === 404) throw error
    console.warn(
      `siglip-tfjs: ${error.message} Taking ${model} from the cache, as it was at commit ${cached.slice(0, 7)}.`,
    )
    return folder(cached, true)
  }
}
