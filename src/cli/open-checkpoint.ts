import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import type { Session } from './session.js'

/** Opens a checkpoint folder, wherever it is. What is downloaded for it shows its progress, and stops with the session. */
export async function openCheckpoint(source: string, session: Session): Promise<CheckpointFolder> {
  const { openFolder } = await import('#open-folder')
  const { progressPrinter } = await import('../runtime/setup/setup-progress.js')
  const { onProgress, end } = progressPrinter(process.stderr)
  return openFolder(source, {
    signal: session.signal,
    onProgress: ({ file, loadedBytes, totalBytes }) => {
      if (session.quiet) return
      onProgress({ step: 'download', message: file, bytes: loadedBytes, total: totalBytes })
      if (loadedBytes === totalBytes) end()
    },
  })
}
