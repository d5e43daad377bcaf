import { TokenizerError } from '../../errors.js'
import { ByteVocabulary } from './byte-vocabulary.js'
import { JsonBytes } from '../../io/json-bytes.js'
import { asBoolean, asString, mismatch } from './json-value.js'
import { NumberHeap } from './number-heap.js'
import { PairRanks } from './pair-ranks.js'
import { byteToPiece } from '../sentencepiece/sentencepiece-model.js'
import type { Range } from './tokenizer-json.js'
import type { TokenizerModel } from './tokenizer-model.js'
import type { JsonObject } from '../../io/json.js'

const WHERE = 'tokenizer.json'
const SPACE = 0x20
/** What stands for a space in texts. */
const SPACE_MARK = '\u2581'
/** Marks a character whose id hasn't been looked up yet. */
const NOT_LOOKED_UP = -2

/** Ranks and positions share one number in the queue; texts longer than this many characters would not fit. */
const MAX_CHARACTERS = 2 ** 28

/** How many words are remembered, and how long they may be. */
const MAX_WORDS = 2 ** 15
const MAX_WORD = 64

/**
 * Byte-pair encoding: a text's characters are merged two by two, the pair that was learnt first before the others, from left to
 * right. Characters that aren't in the vocabulary become byte tokens, or else the unknown token.
 *
 * Source: `bpe/model.rs` and `bpe/word.rs` of the `tokenizers` library.
 */
export class Bpe implements TokenizerModel {
  readonly #vocabulary = new ByteVocabulary()
  readonly #ranks: PairRanks
  /** By rank, the id that a pair is merged to. */
  readonly #merged: Int32Array
  readonly #unkId: number | undefined
  readonly #byteIds: Int32Array
  /** The ids of characters up to U+FFFF, −1 for those without; the usual text needs no other look-up. */
  readonly #characterIds: Int32Array
  readonly #fuseUnk: boolean
  readonly #byteFallback: boolean
  readonly #ignoreMerges: boolean
  /** The characters that some merge joins to a space after them, and to one before them. */
  readonly #beforeSpace = new Set<string>()
  readonly #afterSpace = new Set<string>()
  readonly #words = new Map<string, readonly number[]>()

  /**
   * @param options the model's other settings.
   * @throws TokenizerError if the vocabulary or a merge isn't one, or an option is set that no SigLIP tokenizer has.
   */
  constructor(bytes: Uint8Array, lists: { readonly vocab: Range; readonly merges: Range }, options: JsonObject) {
    for (const option of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix'] as const) {
      const value = options[option]
      if (value !== undefined && value !== null && value !== '' && value !== 0)
        throw mismatch('none', value, `${option} of ${WHERE}`)
    }
    this.#fuseUnk = asBoolean(options.fuse_unk, false, `fuse_unk of ${WHERE}`)
    this.#byteFallback = asBoolean(options.byte_fallback, false, `byte_fallback of ${WHERE}`)
    this.#ignoreMerges = asBoolean(options.ignore_merges, false, `ignore_merges of ${WHERE}`)
    this.#readVocabulary(new JsonBytes(bytes, `vocab of ${WHERE}`, lists.vocab.start))

    const unk = options.unk_token ?? undefined
    this.#unkId = unk === undefined ? undefined : this.#vocabulary.findText(asString(unk, `unk_token of ${WHERE}`))
    if (this.#unkId === -1) throw mismatch('a token of the vocabulary', unk, `unk_token of ${WHERE}`)
    this.#byteIds = Int32Array.from({ length: 256 }, (_, byte) => this.#vocabulary.findText(byteToPiece(byte)))
    this.#characterIds = new Int32Array(2 ** 16).fill(NOT_LOOKED_UP)

    const merges: number[] = []
    this.#readMerges(new JsonBytes(bytes, `merges of ${WHERE}`, lists.merges.start), merges)
    this.#ranks = new PairRanks(merges.length / 3)
    this.#merged = new Int32Array(merges.length / 3)
    for (let rank = 0; rank < this.#merged.length; rank++) {
      this.#ranks.set(merges[3 * rank] ?? 0, merges[3 * rank + 1] ?? 0, rank)
      this.#merged[rank] = merges[3 * rank + 2] ?? 0
    }
    this.#learnCuts(merges)
  }

  get size(): number {
    return this.#vocabulary.size
  }

  entries(): Iterable<readonly [string, number]> {
    return this.#vocabulary.entries()
  }

  tokenToId(token: string): number | undefined {
    const id = this.#vocabulary.findText(token)
    return id < 0 ? undefined : id
  }

  idToToken(id: number): string | undefined {
    return this.#vocabulary.token(id)
  }

  tokenize(text: string): string[] {
    return this.encode(text).map((id) => this.#vocabulary.token(id) ?? '')
  }

  encode(text: string): number[] {
    if (this.#ignoreMerges) {
      const id = this.#vocabulary.findText(text)
      if (id >= 0) return [id]
    }
    return this.#encodeWords(text)
  }

  /**
   * Encodes word by word, as most words come again: where no merge joins the characters on both sides of a boundary, what is merged
   * on one side doesn't depend on the other.
   */
  #encodeWords(text: string): number[] {
    const ids: number[] = []
    let start = 0
    const cut = (end: number): void => {
      for (const id of this.#encodeWord(text.slice(start, end))) ids.push(id)
      start = end
    }
    for (let at = text.indexOf(SPACE_MARK); at >= 0; at = text.indexOf(SPACE_MARK, at + 1)) {
      if (at > start && this.#isApart(this.#beforeSpace, characterBefore(text, at))) cut(at)
      if (at + 1 < text.length && this.#isApart(this.#afterSpace, characterAt(text, at + 1))) cut(at + 1)
    }
    if (start < text.length) cut(text.length)
    return ids
  }

  /** A character that isn't in the vocabulary becomes other tokens, which merges may know. */
  #isApart(joined: ReadonlySet<string>, character: string): boolean {
    return !joined.has(character) && this.#characterId(character.codePointAt(0) ?? 0) >= 0
  }

  #encodeWord(word: string): readonly number[] {
    const known = this.#words.get(word)
    if (known) return known
    const ids = this.#merge(this.#characters(word))
    if (word.length > MAX_WORD) return ids
    if (this.#words.size >= MAX_WORDS) this.#words.clear()
    this.#words.set(word, ids)
    return ids
  }

  #learnCuts(merges: readonly number[]): void {
    const mark = encoder.encode(SPACE_MARK)
    for (let at = 0; at < merges.length; at += 3) {
      const [left = 0, right = 0] = [merges[at], merges[at + 1]]
      if (this.#vocabulary.startsWith(right, mark)) {
        const before = this.#vocabulary.token(left) ?? ''
        this.#beforeSpace.add(characterBefore(before, before.length))
      }
      if (this.#vocabulary.endsWith(left, mark))
        this.#afterSpace.add(characterAt(this.#vocabulary.token(right) ?? '', 0))
    }
  }

  #readVocabulary(json: JsonBytes): void {
    json.expect('{')
    if (json.take('}')) return
    do {
      json.readString()
      const { source, start, end } = json
      json.expect(':')
      const id = json.readId()
      // Ids may have gaps, but memory is not taken on the file's word.
      if (id > 4 * this.#vocabulary.size + 2 ** 16) throw mismatch('ids without large gaps', id, `vocab of ${WHERE}`)
      this.#vocabulary.set(id, source, start, end)
    } while (json.take(','))
    json.expect('}')
  }

  /** Appends left, right and merged id of each merge. Merges are written as pairs, or, in older files, with a space between. */
  #readMerges(json: JsonBytes, merges: number[]): void {
    json.expect('[')
    if (json.take(']')) return
    do {
      const isPair = json.take('[')
      json.readString()
      let { source, start, end } = json
      const space = isPair ? end : source.indexOf(SPACE, start)
      const left = this.#vocabulary.find(source, start, Math.min(space < 0 ? end : space, end))
      if (isPair) {
        json.expect(',')
        json.readString()
        ;({ source, start, end } = json)
        json.expect(']')
      } else start = space < 0 ? end : Math.min(space + 1, end)
      const right = this.#vocabulary.find(source, start, end)
      const merged = left < 0 || right < 0 ? -1 : this.#vocabulary.findJoined(left, right)
      if (merged < 0) {
        const names = [left, right].map((id) => this.#vocabulary.token(id) ?? 'a token without id')
        throw mismatch('a merge of two tokens to a third', names, `merge ${merges.length / 3} of ${WHERE}`)
      }
      merges.push(left, right, merged)
    } while (json.take(','))
    json.expect(']')
  }

  /** The ids of a text's characters. */
  #characters(text: string): number[] {
    const ids: number[] = []
    let isUnkPending = false
    for (let at = 0; at < text.length;) {
      const code = text.codePointAt(at) ?? 0
      at += code > 0xffff ? 2 : 1
      const id = this.#characterId(code)
      if (id >= 0) {
        if (isUnkPending && this.#unkId !== undefined) ids.push(this.#unkId)
        isUnkPending = false
        ids.push(id)
      } else if (this.#byteFallback && this.#spell(code, ids)) {
        // As in the reference, an unknown token that is pending comes after these bytes.
      } else if (this.#unkId !== undefined) {
        if (isUnkPending && !this.#fuseUnk) ids.push(this.#unkId)
        isUnkPending = true
      }
    }
    if (isUnkPending && this.#unkId !== undefined) ids.push(this.#unkId)
    return ids
  }

  #characterId(code: number): number {
    const known = this.#characterIds[code]
    if (known !== undefined && known !== NOT_LOOKED_UP) return known
    const id = this.#vocabulary.findText(String.fromCodePoint(code))
    if (known !== undefined) this.#characterIds[code] = id
    return id
  }

  /** Appends the byte tokens of a character, if there are tokens for all of its bytes. */
  #spell(code: number, ids: number[]): boolean {
    const spelled = Array.from(encoder.encode(String.fromCodePoint(code)), (byte) => this.#byteIds[byte] ?? -1)
    if (spelled.includes(-1)) return false
    for (const id of spelled) ids.push(id)
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
}

/** Marks a symbol that is part of the one before it. */
const MERGED = -1

const encoder = new TextEncoder()

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0)
}

function characterBefore(text: string, end: number): string {
  const last = text.charCodeAt(end - 1)
  const isPair = end > 1 && last >= 0xdc00 && last <= 0xdfff
  return characterAt(text, isPair ? end - 2 : end - 1)
}
