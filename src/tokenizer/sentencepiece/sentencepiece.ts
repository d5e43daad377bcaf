import { ByteTrie } from './byte-trie.js'
import { byteToPiece, PieceType, pieceToByte, type SentencePieceModel } from './sentencepiece-model.js'
import { SentencePieceNormalizer } from './sentencepiece-normalizer.js'
import { Unigram, utf8Length } from './unigram.js'

const SPACE_SYMBOL = '\u2581'
/** C++'s FLT_MAX, where SentencePiece starts its search for the lowest score. */
const FLT_MAX = (2 - 2 ** -23) * 2 ** 127

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const strictDecoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

/**
 * A SentencePiece unigram model at work: text to pieces and back, as `SentencePieceProcessor` does it.
 *
 * Strings are UTF-16 here and UTF-8 there: a lone surrogate, which Python refuses to encode, counts as U+FFFD.
 */
export class SentencePiece {
  readonly #model: SentencePieceModel
  readonly #ids = new Map<string, number>()
  readonly #normalizer: SentencePieceNormalizer
  readonly #denormalizer: SentencePieceNormalizer | undefined
  readonly #unigram: Unigram
  #input = new Uint8Array(1024)

  /** @throws TokenizerError if the model's normalization rules are damaged. */
  constructor(model: SentencePieceModel, where = 'spiece.model') {
    this.#model = model
    const trie = new ByteTrie()
    const untouched = new ByteTrie()
    const userDefined = new Set<number>()
    let minScore = FLT_MAX
    for (const [id, piece] of model.pieces.entries()) {
      const type = model.types[id]
      if (type === PieceType.normal) minScore = Math.min(minScore, model.scores[id] ?? 0)
      if (type === PieceType.unused || isReserved(type)) continue
      const bytes = encoder.encode(piece)
      trie.set(bytes, id)
      if (type === PieceType.userDefined) {
        untouched.set(bytes, id)
        userDefined.add(id)
      }
    }
    // A reserved piece may bear the name of an ordinary one, and then takes precedence.
    for (const reserved of [false, true])
      for (const [id, piece] of model.pieces.entries())
        if (isReserved(model.types[id]) === reserved) this.#ids.set(piece, id)

    const { scores, unkId, treatWhitespaceAsSuffix } = model
    this.#unigram = new Unigram({ trie, scores, unkId, minScore, userDefined })
    this.#normalizer = new SentencePieceNormalizer(model.normalizer, {
      untouched: userDefined.size > 0 ? untouched : undefined,
      treatWhitespaceAsSuffix,
      where,
    })
    if (model.denormalizer) this.#denormalizer = new SentencePieceNormalizer(model.denormalizer, { where })
  }

  /** The number of pieces. */
  get pieceSize(): number {
    return this.#model.pieces.length
  }

  /** The piece of an id, or undefined if there is none. */
  idToPiece(id: number): string | undefined {
    return this.#model.pieces[id]
  }

  /** The id of a piece; that of the unknown piece if it isn't in the vocabulary. */
  pieceToId(piece: string): number {
    return this.#ids.get(piece) ?? this.#model.unkId
  }

  /** The pieces of a text. Runs of unknown characters come out as they are, or byte by byte under `byte_fallback`. */
  encode(text: string): string[] {
    if (3 * text.length > this.#input.length) this.#input = new Uint8Array(6 * text.length)
    const length = this.#normalizer.normalize(this.#input, encoder.encodeInto(text, this.#input).written)
    const normalized = this.#normalizer.output
    const { ids, ends } = this.#unigram.segment(normalized, length)

    const { pieces, unkId, byteFallback } = this.#model
    const encoded: string[] = []
    let start = 0
    for (const [i, id] of ids.entries()) {
      // A run of unknown characters is one piece.
      if (id === unkId && ids[i + 1] === id) continue
      const end = ends[i] ?? 0
      if (id !== unkId) encoded.push(pieces[id] ?? '')
      else if (byteFallback) for (const byte of normalized.subarray(start, end)) encoded.push(byteToPiece(byte))
      else encoded.push(decoder.decode(normalized.subarray(start, end)))
      start = end
    }
    return encoded
  }

  /** The text of a list of pieces. Pieces outside the vocabulary stay unchanged. */
  decode(pieces: readonly string[]): string {
    const { types, unkId, unkSurface } = this.#model
    const { addDummyPrefix, removeExtraWhitespaces } = this.#model.normalizer
    let text = ''
    let bytes: number[] = []
    let isStart = addDummyPrefix || removeExtraWhitespaces
    let prefixSeen = false
    for (const piece of pieces) {
      const id = this.pieceToId(piece)
      if (types[id] === PieceType.byte) {
        bytes.push(pieceToByte(piece) ?? 0)
        continue
      }
      if (bytes.length > 0) {
        text += decodeBytePieces(Uint8Array.from(bytes))
        bytes = []
      }
      if (prefixSeen || text !== '') isStart = false
      prefixSeen = false
      if (types[id] === PieceType.control) continue
      if (id === unkId) {
        text += piece === this.idToPiece(unkId) ? unkSurface : piece
        continue
      }
      const strips = isStart && piece.startsWith(SPACE_SYMBOL)
      prefixSeen = strips && !removeExtraWhitespaces
      text += (strips ? piece.slice(1) : piece).replaceAll(SPACE_SYMBOL, ' ')
    }
    text += decodeBytePieces(Uint8Array.from(bytes))
    return this.#denormalizer ? this.#denormalize(this.#denormalizer, text) : text
  }

  #denormalize(denormalizer: SentencePieceNormalizer, text: string): string {
    const bytes = encoder.encode(text)
    const length = denormalizer.normalize(bytes, bytes.length)
    return decoder.decode(denormalizer.output.subarray(0, length))
  }
}

/** Whether pieces of this type never match text. */
function isReserved(type: number | undefined): boolean {
  return type === PieceType.unknown || type === PieceType.control || type === PieceType.byte
}

/** The characters that bytes spell; each byte that belongs to none becomes U+FFFD (the Web's decoders merge several). */
function decodeBytePieces(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const length = utf8Length(bytes[at] ?? 0)
    try {
      text += strictDecoder.decode(bytes.subarray(at, at + length))
      at += length
    } catch {
      text += '\ufffd'
      at++
    }
  }
  return text
}
