import { UsageError } from '../errors.js'
import { BrokenDataError, formatBroken, type BrokenSample, type OnBroken } from '../training/data/broken-sample.js'
import type { TrainingData } from '../training/data/sample.js'
import { progressOnceKnown } from './progress.js'
import type { Session } from './session.js'

/** Data that can say what of it is broken. */
type CheckedData = TrainingData & { readonly broken: readonly BrokenSample[] }

/** How data is opened. */
export interface DataOptions {
  readonly onBroken: OnBroken
  /** Of a folder's metadata file. */
  readonly captionColumn?: string | undefined
}

/** Fewer are looked at too soon to show anything. */
const FEW = 500

/**
 * Opens pictures to train on or to evaluate with: a folder, or shards. What is broken is said at once, all together; of shards behind
 * URLs, when they come.
 * @throws {FileError} naming what is broken, unless it is to be left out; UsageError for a column of shards
 */
export async function openData(source: string, options: DataOptions, session: Session): Promise<TrainingData> {
  const say = (broken: readonly BrokenSample[], start = ''): void => {
    for (const line of `${start}${formatBroken(broken)}`.split('\n')) session.say(line)
  }
  const onLeftOut = (broken: readonly BrokenSample[]): void => {
    say(broken, `left out of ${source}: `)
  }
  const { onProgress, end } = progressOnceKnown(session, FEW, 'looked at')
  try {
    const data = await opened(source, { ...options, onProgress, onLeftOut, signal: session.signal })
    if (data.broken.length > 0) onLeftOut(data.broken)
    return data
  } catch (error) {
    await end()
    if (error instanceof BrokenDataError && !error.namesAll) say(error.broken)
    throw error
  } finally {
    await end()
  }
}

interface OpenOptions extends DataOptions {
  readonly onProgress: (done: number, total: number) => void
  readonly onLeftOut: (broken: readonly BrokenSample[]) => void
  readonly signal: AbortSignal
}

async function opened(source: string, { captionColumn, ...options }: OpenOptions): Promise<CheckedData> {
  if (/\.tar$|^https?:/.test(source)) {
    if (captionColumn !== undefined) {
      throw new UsageError('Shards have no columns', { found: source, hint: 'Leave --caption-column out.' })
    }
    const { WebDataset } = await import('../training/data/web-dataset.js')
    return WebDataset.open(source, options)
  }
  const { ImageFolder } = await import('../training/data/image-folder.js')
  return ImageFolder.open(source, { ...options, captionColumn })
}
