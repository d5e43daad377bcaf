import type { Sequences } from './tokenizer-backend.js'
import type { Side } from './tokenizer-config.js'

/** Which of a pair's texts loses tokens: the longer one, token by token, or always the same. */
export type Truncation = 'longest_first' | 'only_first' | 'only_second'

/** `ids` without `count` tokens on `side`. */
export function cut(ids: number[], count: number, side: Side): number[] {
  if (count <= 0) return ids
  return side === 'right' ? ids.slice(0, Math.max(0, ids.length - count)) : ids.slice(count)
}

/** Cuts as `PreTrainedTokenizer.truncate_sequences` of transformers does: `only_second` without a second text cuts nothing. */
export function truncateSequences(
  ids: number[],
  pair: number[] | undefined,
  room: number,
  how: Truncation,
  side: Side,
): Sequences {
  const excess = ids.length + (pair?.length ?? 0) - room
  if (excess <= 0) return { ids, pair }
  if (how === 'only_first' || (how === 'longest_first' && pair === undefined))
    return { ids: cut(ids, excess, side), pair }
  if (pair === undefined) return { ids, pair }
  if (how === 'only_second') return { ids, pair: cut(pair, excess, side) }
  const fromLonger = Math.min(Math.abs(ids.length - pair.length), excess)
  const half = Math.floor((excess - fromLonger) / 2)
  const fromFirst = ids.length > pair.length ? fromLonger + half : half
  return { ids: cut(ids, fromFirst, side), pair: cut(pair, excess - fromFirst, side) }
}
