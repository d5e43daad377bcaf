import { InputError } from '../../errors.js'

/** How many other candidates a right one has before it, and beside it. */
export interface TiedRank {
  /** Wrong candidates with a higher score than the best right one. */
  readonly ahead: number
  /** Wrong candidates with the same score. */
  readonly tied: number
  /** Right candidates with the best right one's score, itself included; 0 without a right one. */
  readonly right: number
}

/** The rank of the best correct candidate in a row of scores. @throws {InputError} for a score that is NaN: it has no rank */
export function tiedRank(scores: Float32Array, isRight: (candidate: number) => boolean): TiedRank {
  let best = -Infinity
  let right = 0
  for (const [candidate, score] of scores.entries()) {
    if (score < best || !isRight(candidate)) continue
    right = score > best ? 1 : right + 1
    best = score
  }
  if (right === 0) return { ahead: 0, tied: 0, right: 0 }
  let ahead = 0
  let tied = -right
  for (const score of scores) {
    if (score > best) ahead++
    else if (score === best) tied++
    else if (Number.isNaN(score))
      throw new InputError('A score is not a number', { hint: 'The embeddings may be too large.' })
  }
  return { ahead, tied, right }
}

/**
 * The probability that a right candidate is among the first `k` if equal scores are put in an order at random: what a ranking that
 * says nothing deserves, whereas counting ties as won would give a constant model full marks.
 */
export function probabilityWithin(k: number, { ahead, tied, right }: TiedRank): number {
  const drawn = k - ahead
  if (right === 0 || drawn <= 0) return 0
  let missed = 1
  for (let i = 0; i < drawn && missed > 0; i++) missed *= Math.max(0, tied - i) / Math.max(1, tied + right - i)
  return 1 - missed
}
