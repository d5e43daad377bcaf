import { existsSync } from 'node:fs'
import { UsageError } from '../errors.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { isModelId, modelAt } from '../hub/model-id.js'
import { downloadProgress } from './download-progress.js'
import type { Session } from './session.js'

/** Which version of a model on the hub. */
interface Version {
  readonly revision?: string | undefined
}

/**
 * Opens a checkpoint folder, wherever it is. What is downloaded for it shows its progress, and stops with the session.
 *
 * @throws {UsageError} for a revision of a model that is not on the hub
 */
export async function openCheckpoint(
  source: string,
  { revision }: Version,
  session: Session,
): Promise<CheckpointFolder> {
  if (revision !== undefined && (existsSync(source) || !(isModelId(source) || modelAt(source)))) {
    throw new UsageError('Only models on the hub have revisions', {
      expected: 'a name such as google/siglip-base-patch16-224',
      found: source,
      where: '--revision',
      hint: 'Leave it out, or name the model by --model.',
    })
  }
  const { openFolder } = await import('#open-folder')
  return openFolder(source, { revision, signal: session.signal, onProgress: downloadProgress(session).onProgress })
}
