/** What the set-up is doing. */
export interface SetupProgress {
  readonly step: 'wait' | 'tfjs-node' | 'download' | 'unpack' | 'compile' | 'check' | 'official' | 'convert'
  /** For the user, e.g. `"TensorFlow's C library"`. */
  readonly message: string
  /** Bytes done and bytes in all, where the step is measured in bytes. */
  readonly bytes?: number
  readonly total?: number
}

/** What a progress is shown on: `process.stderr`, or anything that takes text. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly write: (text: string) => unknown
}

/**
 * Shows the progress of a set-up: on a terminal one line that is written over, with the rate and the time left; elsewhere
 * a line a step.
 *
 * @returns what `setup` takes as `onProgress`; call `end` when it is done.
 */
export function progressPrinter(stream: ProgressStream): {
  readonly onProgress: (progress: SetupProgress) => void
  readonly end: () => void
} {
  let step: SetupProgress['step'] | undefined
  let startedAt = 0
  let shownAt = 0
  let open = false
  const end = () => {
    if (open) stream.write('\n')
    open = false
  }
  return {
    end,
    onProgress: (progress) => {
      const now = Date.now()
      if (progress.step !== step) {
        end()
        step = progress.step
        startedAt = now
        shownAt = 0
        if (!stream.isTTY) stream.write(`${describe(progress)}\n`)
      }
      const finished = progress.bytes !== undefined && progress.bytes === progress.total
      if (!stream.isTTY || (now - shownAt < 100 && !finished)) return
      shownAt = now
      open = true
      stream.write(`\r\u001b[K${describe(progress, (now - startedAt) / 1000)}`)
    },
  }
}

const TITLES: Readonly<Record<SetupProgress['step'], string>> = {
  wait: 'Waiting for',
  'tfjs-node': 'Fetching',
  download: 'Downloading',
  unpack: 'Unpacking',
  compile: 'Compiling',
  check: 'Checking',
  official: 'Installing',
  convert: 'Converting',
}

function describe({ step, message, bytes, total }: SetupProgress, seconds?: number): string {
  const title = `${TITLES[step]} ${message}`
  if (bytes === undefined || total === undefined) return title
  if (seconds === undefined) return `${title} (${megabytes(total)} MB)`
  const rate = bytes / Math.max(seconds, 0.1)
  const left = rate > 0 ? `, ${String(Math.ceil((total - bytes) / rate))} s left` : ''
  return `${title}: ${megabytes(bytes)} of ${megabytes(total)} MB, ${megabytes(rate)} MB/s${left}`
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}
