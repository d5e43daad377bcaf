import { FileError } from '../../errors.js'

/** What data is split into, as folders are named: `train`, `val`, `test-2`. */
const SPLIT = /^(train|training|trn|val|valid|validation|dev|eval|evaluation|test|testing|tst|holdout)([-_. ]?\d+)?$/i

/**
 * How many parts of the files' names stand before that of their class: 0 where the folders are classes, 1 where all of them are in one
 * split, `train/cat/1.jpg`.
 *
 * @param files with `/` between the parts of their names
 * @throws {FileError} for several splits: classes would be those of `train`, and the model be measured on what it learned from
 */
export function depthOfClasses(files: readonly string[], folder: string): 0 | 1 {
  const isNested = new Map<string, boolean>()
  for (const file of files) {
    const [top = '', second] = foldersOf(file)
    if (top !== '') isNested.set(top, (isNested.get(top) ?? false) || second !== undefined)
  }
  const tops = [...isNested.keys()]
  const splits = tops.filter((top) => SPLIT.test(top))
  const nested = splits.filter((split) => isNested.get(split))
  const areAllSplits = splits.length === tops.length
  if (nested.length > 1 || (areAllSplits && splits.length > 1)) throw severalSplits(splits, folder)
  return areAllSplits && nested.length === 1 ? 1 : 0
}

/** @throws {FileError} if several splits have metadata files */
export function checkOneSplit(captionFiles: readonly string[], folder: string): void {
  const tops = new Set(captionFiles.map((file) => foldersOf(file)[0] ?? ''))
  const splits = [...tops].filter((top) => SPLIT.test(top))
  if (splits.length > 1) throw severalSplits(splits, folder)
}

const foldersOf = (file: string): readonly string[] => file.split('/').slice(0, -1)

function severalSplits(splits: readonly string[], folder: string): FileError {
  const [first = ''] = splits
  return new FileError('The folder holds several splits of the data', {
    expected: 'one split',
    found: splits.slice(0, 5).join(', '),
    where: folder,
    hint: `Name one of them: ${folder.replace(/[/\\]+$/, '')}/${splits.find((split) => /^tr/i.test(split)) ?? first}.`,
  })
}
