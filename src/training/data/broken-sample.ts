import { FileError } from '../../errors.js'

/** What can be wrong with a sample. */
export type Breakage =
  | 'missing image'
  | 'unreadable image'
  | 'empty caption'
  | 'no caption'
  | 'duplicate'
  | 'not UTF-8'
  | 'unreadable row'
  | 'outside the folder'

/** A sample that can't be trained on. */
export interface BrokenSample {
  /** The file, the line of a file, or the member of a shard. */
  readonly where: string
  readonly what: Breakage
  /** Details. */
  readonly detail: string
}

/** Data has broken samples, and skipping them was not requested. The message names the first ones. */
export class BrokenDataError extends FileError {
  constructor(
    /** All of them. */
    readonly broken: readonly BrokenSample[],
    where: string,
  ) {
    const named = broken.slice(0, NAMED).map(lineOf)
    const more = broken.length > NAMED ? ` and ${broken.length - NAMED} more` : ''
    super('The data is broken', {
      expected: 'images that can be decoded, each with a caption',
      found: `${countsOf(broken)}: ${named.join('; ')}${more}`,
      where,
      hint: 'Mend them, or leave them out: onBroken: "skip", --on-broken skip.',
    })
  }

  /** Those that the message doesn't name, a line each. */
  get others(): readonly string[] {
    return this.broken.slice(NAMED).map(lineOf)
  }
}

/** What happens to broken samples: an error names all, or they are skipped and reported to the caller. */
export type OnBroken = (typeof ON_BROKEN)[number]

/** The values of `OnBroken`. */
export const ON_BROKEN = ['fail', 'skip'] as const

/** So many are named in an error; the rest are counted. */
const NAMED = 20

/** All broken samples, a line each, after a count of each kind. */
export function formatBroken(broken: readonly BrokenSample[]): string {
  return [`${broken.length} broken: ${countsOf(broken)}`, ...broken.map(lineOf)].join('\n')
}

/** A broken sample in one line. */
export const lineOf = ({ where, what, detail }: BrokenSample): string => `${where}: ${what}${detail && ` (${detail})`}`

/** @throws {BrokenDataError} if anything is broken and not to be skipped */
export function settleBroken(broken: readonly BrokenSample[], onBroken: OnBroken, where: string): void {
  if (broken.length > 0 && onBroken === 'fail') throw new BrokenDataError(broken, where)
}

function countsOf(broken: readonly BrokenSample[]): string {
  const counts = new Map<string, number>()
  for (const { what } of broken) counts.set(what, (counts.get(what) ?? 0) + 1)
  return [...counts].map(([what, count]) => `${count} × ${what}`).join(', ')
}
