import type { OnBroken, BrokenSample } from '../training/data/broken-sample.js'
import type { TrainingData } from '../training/data/sample.js'
import type { Session } from './session.js'

/** Data that can say what of it is broken. */
type CheckedData = TrainingData & { readonly broken: readonly BrokenSample[] }

/**
 * Opens pictures to train on or to evaluate with: a folder, or shards. What is broken is said at once, all together.
 * @throws {FileError} naming what is broken, unless it is to be left out
 */
export async function openData(
  source: string,
  { onBroken }: { readonly onBroken: OnBroken },
  session: Session,
): Promise<TrainingData> {
  const { formatBroken } = await import('../training/data/broken-sample.js')
  const data = await opened(source, onBroken)
  if (data.broken.length > 0) session.say(`left out of ${source}: ${formatBroken(data.broken)}`)
  return data
}

async function opened(source: string, onBroken: OnBroken): Promise<CheckedData> {
  if (/\.tar$|^https?:/.test(source)) {
    const { WebDataset } = await import('../training/data/web-dataset.js')
    return WebDataset.open(source, { onBroken })
  }
  const { ImageFolder } = await import('../training/data/image-folder.js')
  return ImageFolder.open(source, { onBroken })
}
