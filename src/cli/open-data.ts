import { UsageError } from '../errors.js'
import { formatBroken, type BrokenSample, type OnBroken } from '../training/data/broken-sample.js'
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
  /** Whether images behind URLs are looked at before, too. */
  readonly looksAtAll?: boolean | undefined
}

/** Fewer images are looked at too soon to show anything. */
const FEW = 500
/** What are shards, here or behind URLs. */
const shardNames = /\.tar$|^https?:/

/**
 * Opens images to train on or to evaluate with: a folder, or shards. What is broken is said at once, all together; of shards behind
 * URLs, when they come.
 * @throws {FileError} naming what is broken, unless it is to be skipped; UsageError for a column of shards
 */
export async function openData(source: string, options: DataOptions, session: Session): Promise<TrainingData> {
  const onLeftOut = (broken: readonly BrokenSample[]): void => {
    for (const line of `left out of ${source}: ${formatBroken(broken)}`.split('\n')) session.say(line)
  }
  const { onProgress, end } = shardNames.test(source)
    ? progressOnceKnown(session, 1, 'shards looked at')
    : progressOnceKnown(session, FEW, 'images looked at')
  try {
    const data = await opened(source, { ...options, onProgress, onLeftOut, signal: session.signal })
    if (data.broken.length > 0) onLeftOut(data.broken)
    return data
  } finally {
    await end()
  }
}

interface OpenOptions extends DataOptions {
  readonly onProgress: (done: number, total: number) => void
  readonly onLeftOut: (broken: readonly BrokenSample[]) => void
  readonly signal: AbortSignal
}

async function opened(source: string, options: OpenOptions): Promise<CheckedData> {
  const { captionColumn, looksAtAll = false, ...rest } = options
  if (shardNames.test(source)) {
    if (captionColumn !== undefined) {
      throw new UsageError('Shards have no columns', { found: source, hint: 'Leave --caption-column out.' })
    }
    const { WebDataset } = await import('../training/data/web-dataset.js')
    return WebDataset.open(source, { ...rest, check: looksAtAll ? 'images' : undefined })
  }
  const { ImageFolder } = await import('../training/data/image-folder.js')
  return ImageFolder.open(source, { ...rest, captionColumn })
}
