import { InputError } from '../errors.js'
import type { Side } from './tokenizer-config.js'

/** Which of a pair's texts loses tokens: the longer one, token by token, or always the same. */
export type Truncation = 'longest_first' | 'only_first' | 'only_second'

/** The ids of one text or of a pair. */
export interface Sequences {
  readonly ids: number[]
  readonly pair: number[] | undefined
}

/** `ids` without `count` tokens on `side`. */
export function cut(ids: number[], count: number, side: Side): number[] {
  if (count <= 0) return ids
  return side === 'right' ? ids.slice(0, Math.max(0, ids.length - count)) : ids.slice(count)
}

/** Truncates as `PreTrainedTokenizer.truncate_sequences` of transformers does: `only_second` without a second text has no effect. */
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
  // A quirk of the reference: truncated on the left, an empty text counts as missing.
  if (side === 'left' && pair.length === 0) return { ids: cut(ids, excess, side), pair: undefined }
  const fromLonger = Math.min(Math.abs(ids.length - pair.length), excess)
  const half = Math.floor((excess - fromLonger) / 2)
  const fromFirst = ids.length > pair.length ? fromLonger + half : half
  return { ids: cut(ids, fromFirst, side), pair: cut(pair, excess - fromFirst, side) }
}

/**
 * Truncates as the `tokenizers` library does: it splits an odd excess of a pair unlike Python, refuses to remove a text
 * entirely unless there is no room for any, and truncates nothing where the special tokens exceed the length.
 *
 * @throws InputError if the text to truncate is missing or too short.
 */
export function truncateEncodings(
  ids: number[],
  pair: number[] | undefined,
  room: number,
  how: Truncation,
  side: Side,
): Sequences {
  const excess = ids.length + (pair?.length ?? 0) - room
  if (room < 0 || excess <= 0) return { ids, pair }
  if (room === 0) return { ids: [], pair: pair && [] }
  if (how === 'longest_first') {
    if (pair === undefined) return { ids: cut(ids, excess, side), pair }
    const shorter = Math.min(ids.length, pair.length)
    const fits = 2 * shorter <= room
    const [forShorter, forLonger] = fits ? [shorter, room - shorter] : [Math.floor(room / 2), Math.ceil(room / 2)]
    const [forFirst, forSecond] = ids.length > pair.length ? [forLonger, forShorter] : [forShorter, forLonger]
    return { ids: cut(ids, ids.length - forFirst, side), pair: cut(pair, pair.length - forSecond, side) }
  }
  const target = how === 'only_first' ? ids : pair
  if (target === undefined || target.length <= excess)
    throw new InputError('The text cannot be truncated to this length', {
      expected: `more than ${excess} tokens to truncate`,
      found: target === undefined ? 'no second text' : `${target.length}`,
      where: `truncation: '${how}'`,
      hint: "Use `truncation: 'longest_first'` or a greater `maxLength`.",
    })
  const shortened = cut(target, excess, side)
  return how === 'only_first' ? { ids: shortened, pair } : { ids, pair: shortened }
}
