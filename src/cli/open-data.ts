import { UsageError } from '../errors.js'
import type { OnBroken, BrokenSample } from '../training/data/broken-sample.js'
import type { TrainingData } from '../training/data/sample.js'
import type { Session } from './session.js'

/** Data that can say what of it is broken. */
type CheckedData = TrainingData & { readonly broken: readonly BrokenSample[] }

/** How data is opened. */
export interface DataOptions {
  readonly onBroken: OnBroken
  /** Of a folder's metadata file. */
  readonly captionColumn?: string | undefined
}

/**
 * Opens pictures to train on or to evaluate with: a folder, or shards. What is broken is said at once, all together.
 * @throws {FileError} naming what is broken, unless it is to be left out; UsageError for a column of shards
 */
export async function openData(source: string, options: DataOptions, session: Session): Promise<TrainingData> {
  const { formatBroken } = await import('../training/data/broken-sample.js')
  const data = await opened(source, options)
  if (data.broken.length > 0) {
    for (const line of `left out of ${source}: ${formatBroken(data.broken)}`.split('\n')) session.say(line)
  }
  return data
}

async function opened(source: string, { onBroken, captionColumn }: DataOptions): Promise<CheckedData> {
  if (/\.tar$|^https?:/.test(source)) {
    if (captionColumn !== undefined) {
      throw new UsageError('Shards have no columns', { found: source, hint: 'Leave --caption-column out.' })
    }
    const { WebDataset } = await import('../training/data/web-dataset.js')
    return WebDataset.open(source, { onBroken })
  }
  const { ImageFolder } = await import('../training/data/image-folder.js')
  return ImageFolder.open(source, { onBroken, captionColumn })
}
