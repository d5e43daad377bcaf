import type { DownloadProgress } from '../hub/hub-options.js'
import { printable } from './printable.js'
import type { Session } from './session.js'

/**
 * Shows downloads on stderr: on a terminal a line a file that is written over, with the rate and the time left; elsewhere a line a
 * file.
 *
 * @returns what the hub takes as `onProgress`; call `end` when all is done or has failed.
 */
export function downloadProgress({ quiet }: Session): {
  readonly onProgress: (progress: DownloadProgress) => void
  readonly end: () => void
} {
  const { stderr } = process
  let started: { readonly file: string; readonly at: number; readonly bytes: number } | undefined
  let shownAt = 0
  let isOpen = false
  const end = (): void => {
    if (isOpen) stderr.write('\n')
    isOpen = false
  }
  const onProgress = ({ file, loadedBytes, totalBytes }: DownloadProgress): void => {
    if (quiet) return
    const now = Date.now()
    const of = `Downloading ${printable(file)}`
    if (started?.file !== file) {
      end()
      started = { file, at: now, bytes: loadedBytes }
      if (!stderr.isTTY) stderr.write(`${of} (${megabytes(totalBytes)} MB)\n`)
    }
    const isDone = loadedBytes === totalBytes
    if (!stderr.isTTY || (now - shownAt < 100 && !isDone)) return
    shownAt = now
    isOpen = true
    // What an earlier run had fetched says nothing about the rate.
    const rate = (loadedBytes - started.bytes) / ((now - started.at) / 1000)
    const left =
      rate > 0 && !isDone ? `, ${megabytes(rate)} MB/s, ${Math.ceil((totalBytes - loadedBytes) / rate)} s left` : ''
    stderr.write(`\r\u001b[K${of}: ${megabytes(loadedBytes)} of ${megabytes(totalBytes)} MB${left}`)
    if (isDone) end()
  }
  return { onProgress, end }
}

/** Bytes as megabytes with a decimal, e.g. `812.8`. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
