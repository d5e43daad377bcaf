import { TokenizerError } from '../../errors.js'
import { ByteTrie } from '../sentencepiece/byte-trie.js'
import { asArray, asBoolean, asId, asString, mismatch } from './json-value.js'
import { byteToPiece } from '../sentencepiece/sentencepiece-model.js'
import type { TokenizerModel } from './tokenizer-model.js'
import { Unigram } from '../sentencepiece/unigram.js'
import type { JsonObject } from '../../io/json.js'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The unigram model of a `tokenizer.json`. Unlike SentencePiece it adds up scores in float64, and takes special pieces that a text
 * spells out for pieces like any other.
 *
 * Source: `unigram/model.rs` of the `tokenizers` library.
 */
export class JsonUnigram implements TokenizerModel {
  readonly #pieces: string[] = []
  readonly #ids = new Map<string, number>()
  readonly #unigram: Unigram
  readonly #unkId: number
  readonly #byteFallback: boolean

  /** @throws TokenizerError if the vocabulary isn't one. */
  constructor(json: JsonObject, where = 'model of tokenizer.json') {
    const vocab = asArray(json.vocab, `vocab of ${where}`)
    const scores = new Float64Array(vocab.length)
    const trie = new ByteTrie()
    for (const [id, entry] of vocab.entries()) {
      const [piece, score] = asArray(entry, `vocab entry ${id} of ${where}`)
      const text = asString(piece, `vocab entry ${id} of ${where}`)
      if (typeof score !== 'number') throw mismatch('a score', score, `vocab entry ${id} of ${where}`)
      scores[id] = score
      this.#pieces.push(text)
      this.#ids.set(text, id)
      trie.set(encoder.encode(text), id)
    }
    this.#unkId = asId(json.unk_id, `unk_id of ${where}`)
    if (this.#unkId >= vocab.length)
      throw new TokenizerError('The unknown token is not in the vocabulary', {
        expected: `an id below ${vocab.length}`,
        found: `${this.#unkId}`,
        where: `unk_id of ${where}`,
      })
    this.#byteFallback = asBoolean(json.byte_fallback, false, `byte_fallback of ${where}`)
    const minScore = scores.reduce((a, b) => Math.min(a, b), Infinity)
    this.#unigram = new Unigram({ trie, scores, minScore, unkId: this.#unkId })
  }

  get size(): number {
    return this.#pieces.length
  }

  entries(): Iterable<readonly [string, number]> {
    return this.#ids
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token)
  }

  idToToken(id: number): string | undefined {
    return this.#pieces[id]
  }

  encode(text: string): number[] {
    return this.tokenize(text).map((token) => this.#ids.get(token) ?? this.#unkId)
  }

  tokenize(text: string): string[] {
    const bytes = encoder.encode(text)
    const { ids, ends } = this.#unigram.segment(bytes, bytes.length)
    const tokens: string[] = []
    let start = 0
    for (const [i, id] of ids.entries()) {
      // A run of unknown characters is one token.
      if (id === this.#unkId && ids[i + 1] === id) continue
      const end = ends[i] ?? 0
      const token = id === this.#unkId ? decoder.decode(bytes.subarray(start, end)) : (this.#pieces[id] ?? '')
      for (const piece of this.#spell(token, bytes.subarray(start, end))) tokens.push(piece)
      start = end
    }
    return tokens
  }

  /** A token, or its bytes if they are to stand for what isn't in the vocabulary. */
  #spell(token: string, bytes: Uint8Array): string[] {
    if (!this.#byteFallback || this.#ids.has(token)) return [token]
    const spelled = Array.from(bytes, byteToPiece)
    return spelled.every((piece) => this.#ids.has(piece)) ? spelled : [token]
  }
}
