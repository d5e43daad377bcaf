import { TokenizerError } from '../errors.js'
import { asArray, asBoolean, asId, asObject, asString, type JsonObject, mismatch } from './json-value.js'
import { NumberHeap } from './number-heap.js'
import { PairRanks } from './pair-ranks.js'
import { byteToPiece } from './sentencepiece-model.js'
import type { TokenizerModel } from './tokenizer-model.js'

/** Ranks and positions share one number in the queue; texts longer than this many characters would not fit. */
const MAX_CHARACTERS = 2 ** 28

/**
 * Byte-pair encoding: a text's characters are merged two by two, the pair that was learnt first before the others, from left to
 * right. Characters that aren't in the vocabulary become byte tokens, or else the unknown token.
 *
 * Source: `bpe/model.rs` and `bpe/word.rs` of the `tokenizers` library.
 */
export class Bpe implements TokenizerModel {
  readonly #ids = new Map<string, number>()
  readonly #tokens: (string | undefined)[] = []
  readonly #ranks: PairRanks
  /** By rank, the id that a pair is merged to. */
  readonly #merged: Int32Array
  readonly #unkId: number | undefined
  readonly #byteIds: Int32Array
  readonly #fuseUnk: boolean
  readonly #byteFallback: boolean
  readonly #ignoreMerges: boolean

  /** @throws TokenizerError if the vocabulary or a merge isn't one, or an option is set that no SigLIP tokenizer has. */
  constructor(json: JsonObject, where = 'model of tokenizer.json') {
    for (const option of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix'] as const)
      if (json[option] !== undefined && json[option] !== null && json[option] !== '' && json[option] !== 0)
        throw mismatch('none', json[option], `${option} of ${where}`)
    this.#fuseUnk = asBoolean(json.fuse_unk, false, `fuse_unk of ${where}`)
    this.#byteFallback = asBoolean(json.byte_fallback, false, `byte_fallback of ${where}`)
    this.#ignoreMerges = asBoolean(json.ignore_merges, false, `ignore_merges of ${where}`)

    const vocab = asObject(json.vocab, `vocab of ${where}`)
    for (const token in vocab) {
      const id = asId(vocab[token], `${token} in vocab of ${where}`)
      this.#ids.set(token, id)
      if (id >= 2 * this.#tokens.length + 2 ** 20)
        throw mismatch('ids without large gaps', id, `${token} in vocab of ${where}`)
      this.#tokens[id] = token
    }
    this.#unkId =
      json.unk_token === null || json.unk_token === undefined ? undefined : this.#require(json.unk_token, where)
    this.#byteIds = Int32Array.from({ length: 256 }, (_, byte) => this.#ids.get(byteToPiece(byte)) ?? -1)

    const merges = asArray(json.merges, `merges of ${where}`)
    this.#ranks = new PairRanks(merges.length)
    this.#merged = new Int32Array(merges.length)
    for (const [rank, merge] of merges.entries()) {
      const [left, right] = splitMerge(merge, rank, where)
      this.#ranks.set(this.#require(left, where), this.#require(right, where), rank)
      this.#merged[rank] = this.#require(left + right, where)
    }
  }

  get size(): number {
    return this.#ids.size
  }

  entries(): Iterable<readonly [string, number]> {
    return this.#ids
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token)
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id]
  }

  tokenize(text: string): string[] {
    return this.encode(text).map((id) => this.#tokens[id] ?? '')
  }

  encode(text: string): number[] {
    if (this.#ignoreMerges) {
      const id = this.#ids.get(text)
      if (id !== undefined) return [id]
    }
    return this.#merge(this.#characters(text))
  }

  /** The ids of a text's characters. */
  #characters(text: string): number[] {
    const ids: number[] = []
    let isUnkPending = false
    for (const character of text) {
      const id = this.#ids.get(character)
      if (id !== undefined) {
        if (isUnkPending && this.#unkId !== undefined) ids.push(this.#unkId)
        isUnkPending = false
        ids.push(id)
      } else if (this.#byteFallback && this.#spell(character, ids)) {
        // As in the reference, an unknown token that is pending comes after these bytes.
      } else if (this.#unkId !== undefined) {
        if (isUnkPending && !this.#fuseUnk) ids.push(this.#unkId)
        isUnkPending = true
      }
    }
    if (isUnkPending && this.#unkId !== undefined) ids.push(this.#unkId)
    return ids
  }

  /** Appends the byte tokens of a character, if there are tokens for all of its bytes. */
  #spell(character: string, ids: number[]): boolean {
    const spelled = Array.from(encoder.encode(character), (byte) => this.#byteIds[byte] ?? -1)
    if (spelled.includes(-1)) return false
    ids.push(...spelled)
    return true
  }

  /** Merges neighbours until no pair is left that was learnt. */
  #merge(ids: number[]): number[] {
    const length = ids.length
    if (length < 2) return ids
    if (length > MAX_CHARACTERS)
      throw new TokenizerError('The text is too long', {
        expected: `at most ${MAX_CHARACTERS} characters`,
        found: `${length}`,
      })
    const symbols = Int32Array.from(ids)
    const next = Int32Array.from(symbols, (_, i) => (i + 1 < length ? i + 1 : -1))
    const previous = Int32Array.from(symbols, (_, i) => i - 1)
    /** The pairs that may be merged, by rank and then by position: rank × 2²⁸ + position. */
    const queue = new NumberHeap()
    const offer = (at: number): void => {
      const after = next[at] ?? -1
      const rank = after < 0 ? -1 : this.#ranks.get(symbols[at] ?? 0, symbols[after] ?? 0)
      if (rank >= 0) queue.push(rank * MAX_CHARACTERS + at)
    }
    for (let at = 0; at < length - 1; at++) offer(at)
    for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
      const at = top % MAX_CHARACTERS
      const right = next[at] ?? -1
      if (symbols[at] === MERGED || right < 0) continue
      // Its symbols may have been merged with others since the pair was queued.
      const rank = this.#ranks.get(symbols[at] ?? 0, symbols[right] ?? 0)
      const merged = this.#merged[(top - at) / MAX_CHARACTERS] ?? 0
      if (rank < 0 || this.#merged[rank] !== merged) continue
      symbols[at] = merged
      symbols[right] = MERGED
      const after = next[right] ?? -1
      next[at] = after
      if (after >= 0) previous[after] = at
      const before = previous[at] ?? -1
      if (before >= 0) offer(before)
      offer(at)
    }
    return Array.from(symbols.filter((id) => id !== MERGED))
  }

  #require(token: unknown, where: string): number {
    const id = this.#ids.get(asString(token, where))
    if (id !== undefined) return id
    throw new TokenizerError('A token is not in the vocabulary', {
      expected: 'an id',
      found: JSON.stringify(token),
      where,
    })
  }
}

/** Marks a symbol that is part of the one before it. */
const MERGED = -1

const encoder = new TextEncoder()

/** Merges are written as pairs, or, in older files, with a space between. */
function splitMerge(merge: unknown, rank: number, where: string): [string, string] {
  const [left, right, ...others] = Array.isArray(merge)
    ? (merge as unknown[])
    : typeof merge === 'string'
      ? merge.split(' ')
      : []
  if (typeof left === 'string' && typeof right === 'string' && others.length === 0) return [left, right]
  throw mismatch('a pair of tokens', merge, `merge ${rank} of ${where}`)
}
