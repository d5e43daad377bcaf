import { warnOnce } from './warn-once.js'

/** Texts that were longer than a model takes, and lost their ends. */
export interface TruncatedTexts {
  /** How many. */
  readonly count: number
  /** The tokens that the model takes, special ones included. */
  readonly maxLength: number
}

/** Called once, after all texts of a run were encoded, and only if some were truncated. */
export type OnTruncatedTexts = (texts: TruncatedTexts) => void

/** Describes truncated texts in one sentence without a full stop. */
export function describeTruncated({ count, maxLength }: TruncatedTexts): string {
  const longer = `longer than the ${maxLength} tokens that the model takes`
  return count === 1
    ? `1 text is ${longer}: its end is left out`
    : `${count} texts are ${longer}: their ends are left out`
}

/** Counts the truncated texts of a run. */
export class TruncationCount {
  #count = 0

  /**
   * @param owner what encodes the texts: without `report`, it warns on the console, once for each sentence
   * @param maxLength the tokens that the model takes
   */
  constructor(
    private readonly owner: object,
    private readonly maxLength: number,
    private readonly report: OnTruncatedTexts | undefined,
  ) {}

  /** Counts a truncated text. */
  readonly add = (): void => {
    this.#count++
  }

  /** Reports the truncated texts, if there are any, and resets the count. */
  end(): void {
    reportTruncated(this.owner, { count: this.#count, maxLength: this.maxLength }, this.report)
    this.#count = 0
  }
}

/** Reports truncated texts, if there are any; without `report`, as a warning on the console, once for each `owner` and sentence. */
export function reportTruncated(owner: object, texts: TruncatedTexts, report: OnTruncatedTexts | undefined): void {
  if (texts.count === 0) return
  if (report) report(texts)
  else warnOnce(owner, `${describeTruncated(texts)}.`)
}
