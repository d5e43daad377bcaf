import { type ByteTrie, ROOT } from './byte-trie.js'

/** How much worse than the worst piece an unknown character is. */
const UNK_PENALTY = 10
/** The score of a user-defined piece for each byte after its first, whatever its own score is. */
const USER_DEFINED_BONUS = 0.1

/** What the unigram model knows of its vocabulary. */
export interface UnigramVocabulary {
  /** The pieces that text may be split into, as UTF-8, with their ids. */
  readonly trie: ByteTrie
  /**
   * The log probability of each piece. The arithmetic follows the type: SentencePiece adds up in float32, the `tokenizers`
   * library in float64, and on long texts the two find different paths.
   */
  readonly scores: Float32Array | Float64Array
  /** The lowest score that unknown characters are measured against. */
  readonly minScore: number
  /** The id of unknown characters. */
  readonly unkId: number
  /** Ids of pieces that are preferred to all others. */
  readonly userDefined?: ReadonlySet<number>
}

/** A text split into pieces. */
export interface Segmentation {
  /** The id of each piece. */
  readonly ids: readonly number[]
  /** Where each piece ends, in bytes; the first starts at 0 and each other where the one before ends. */
  readonly ends: readonly number[]
}

/**
 * The unigram language model: splits a text into the pieces whose scores have the highest sum (Viterbi), one character at a time
 * unknown where no piece fits. Equal sums are decided as in the reference: the piece that starts first stays.
 *
 * Source: `Model::EncodeOptimized` of SentencePiece's `unigram_model.cc`.
 */
export class Unigram {
  readonly #vocabulary: UnigramVocabulary
  readonly #isSingle: boolean
  #bestScores: Float32Array | Float64Array
  #starts = new Int32Array(0)
  #ids = new Int32Array(0)

  constructor(vocabulary: UnigramVocabulary) {
    this.#vocabulary = vocabulary
    this.#isSingle = vocabulary.scores.BYTES_PER_ELEMENT === 4
    this.#bestScores = new Float64Array(0)
  }

  /** Splits the first `length` bytes of `text`, which are UTF-8. */
  segment(text: Uint8Array, length: number): Segmentation {
    const { trie, scores, unkId, userDefined, minScore } = this.#vocabulary
    if (length >= this.#starts.length) this.#reserve(Math.max(1024, 2 * length))
    const bestScores = this.#bestScores
    const starts = this.#starts
    const ids = this.#ids
    starts.fill(-1, 0, length + 1)
    bestScores[0] = 0
    const isSingle = this.#isSingle
    const unkScore = isSingle ? Math.fround(minScore - UNK_PENALTY) : minScore - UNK_PENALTY

    for (let start = 0; start < length;) {
      const scoreHere = bestScores[start] ?? 0
      const next = Math.min(start + utf8Length(text[start] ?? 0), length)
      let isCovered = false
      for (let end = start, node = ROOT; end < length;) {
        node = trie.next(node, text[end] ?? 0)
        if (node < 0) break
        end++
        const id = trie.value(node)
        if (id < 0) continue
        const score = userDefined?.has(id) ? USER_DEFINED_BONUS * (end - start - 1) : (scores[id] ?? 0)
        const candidate = isSingle ? Math.fround(score + scoreHere) : score + scoreHere
        if (starts[end] === -1 || candidate > (bestScores[end] ?? 0)) {
          bestScores[end] = candidate
          starts[end] = start
          ids[end] = id
        }
        if (end === next) isCovered = true
      }
      if (!isCovered) {
        const candidate = isSingle ? Math.fround(unkScore + scoreHere) : unkScore + scoreHere
        if (starts[next] === -1 || candidate > (bestScores[next] ?? 0)) {
          bestScores[next] = candidate
          starts[next] = start
          ids[next] = unkId
        }
      }
      start = next
    }
    return this.#backtrack(length)
  }

  #backtrack(length: number): Segmentation {
    const ids: number[] = []
    const ends: number[] = []
    for (let end = length; end > 0; end = this.#starts[end] ?? 0) {
      ids.push(this.#ids[end] ?? 0)
      ends.push(end)
    }
    return { ids: ids.reverse(), ends: ends.reverse() }
  }

  #reserve(size: number): void {
    this.#bestScores = this.#isSingle ? new Float32Array(size) : new Float64Array(size)
    this.#starts = new Int32Array(size)
    this.#ids = new Int32Array(size)
  }
}

/** The number of bytes of a character in UTF-8, by its first byte. */
export function utf8Length(byte: number): number {
  if (byte < 0xc0) return 1
  if (byte < 0xe0) return 2
  return byte < 0xf0 ? 3 : 4
}
