import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { downloadProgress } from './download-progress.js'
import type { Session } from './session.js'

/** Opens a checkpoint folder, wherever it is. What is downloaded for it shows its progress, and stops with the session. */
export async function openCheckpoint(source: string, session: Session): Promise<CheckpointFolder> {
  const { openFolder } = await import('#open-folder')
  return openFolder(source, { signal: session.signal, onProgress: downloadProgress(session).onProgress })
}
