import { TokenizerError } from '../../errors.js'
import { type ProtobufField, readProtobuf } from '../../io/protobuf.js'

/** What a piece of a SentencePiece vocabulary is for (`ModelProto.SentencePiece.Type`). */
export const PieceType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

/** How text is prepared before it is split into pieces (`NormalizerSpec`). */
export interface NormalizerSpec {
  /** Compiled replacement rules, see `CharsMap`; empty: none. */
  precompiledCharsmap: Uint8Array
  /** Put a space before the text, so that its first word is like every other. */
  addDummyPrefix: boolean
  /** Leave out spaces at both ends, and all but one between words. */
  removeExtraWhitespaces: boolean
  /** Write spaces as `▁`. */
  escapeWhitespaces: boolean
}

/** A SentencePiece unigram model as it is on file, checked. */
export interface SentencePieceModel {
  /** The pieces by id. */
  readonly pieces: readonly string[]
  /** Their log probabilities. */
  readonly scores: Float32Array
  /** Their `PieceType`s. */
  readonly types: Uint8Array
  /** The id of the only piece of type `unknown`. */
  readonly unkId: number
  /** Whether unknown characters become one byte piece (`<0xE7>`) for each of their UTF-8 bytes. */
  readonly byteFallback: boolean
  /** Whether the dummy prefix goes to the end of the text. */
  readonly treatWhitespaceAsSuffix: boolean
  /** What the unknown piece is decoded to. */
  readonly unkSurface: string
  readonly normalizer: Readonly<NormalizerSpec>
  /** Applied to decoded text, if the model has one. */
  readonly denormalizer: Readonly<NormalizerSpec> | undefined
}

interface TrainerSpec {
  modelType: number
  byteFallback: boolean
  treatWhitespaceAsSuffix: boolean
  unkSurface: string
}

const MODEL_TYPES = ['', 'unigram', 'bpe', 'word', 'char']
const MAX_PIECE_BYTES = 8000

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads `spiece.model`, the `ModelProto` message of `sentencepiece_model.proto`, and checks what SentencePiece checks at loading.
 *
 * @param where the file's name, for messages.
 * @throws TokenizerError if it is not such a model, is not a unigram model, or is inconsistent.
 */
export function parseSentencePieceModel(bytes: Uint8Array, where = 'spiece.model'): SentencePieceModel {
  const pieces: string[] = []
  const scores: number[] = []
  const types: number[] = []
  const trainer: TrainerSpec = {
    modelType: 1,
    byteFallback: false,
    treatWhitespaceAsSuffix: false,
    unkSurface: ' \u2047 ',
  }
  const normalizer = defaultNormalizer()
  let denormalizer: NormalizerSpec | undefined

  for (const field of readProtobuf(bytes, 'a SentencePiece model', where, TokenizerError)) {
    if (field.type !== 'bytes') continue
    if (field.number === 1) {
      const piece = readPiece(field.value, `piece ${pieces.length} of ${where}`)
      pieces.push(piece.text)
      scores.push(piece.score)
      types.push(piece.type)
    } else if (field.number === 2) readTrainerSpec(field.value, trainer, where)
    else if (field.number === 3) readNormalizerSpec(field.value, normalizer, where)
    else if (field.number === 5) readNormalizerSpec(field.value, (denormalizer ??= defaultNormalizer()), where)
  }

  if (pieces.length === 0) throw broken(where, 'pieces', 'none')
  if (trainer.modelType !== 1)
    throw new TokenizerError('Unsupported type of SentencePiece model', {
      expected: 'unigram',
      found: MODEL_TYPES[trainer.modelType] ?? `type ${trainer.modelType}`,
      where,
      hint: 'SigLIP tokenizers are unigram models; the BPE ones of SigLIP 2 come as tokenizer.json.',
    })
  const typed = Uint8Array.from(types)
  return {
    pieces,
    scores: Float32Array.from(scores),
    types: typed,
    unkId: checkPieces(pieces, typed, trainer.byteFallback, where),
    byteFallback: trainer.byteFallback,
    treatWhitespaceAsSuffix: trainer.treatWhitespaceAsSuffix,
    unkSurface: trainer.unkSurface,
    normalizer,
    denormalizer: denormalizer?.precompiledCharsmap.length ? denormalizer : undefined,
  }
}

/** The byte that a piece such as `<0x0A>` stands for, or undefined. */
export function pieceToByte(piece: string): number | undefined {
  return /^<0x[0-9A-F]{2}>$/.test(piece) ? parseInt(piece.slice(3, 5), 16) : undefined
}

/** The piece that stands for a byte: `<0x0A>`. */
export function byteToPiece(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
}

function readPiece(bytes: Uint8Array, where: string): { text: string; score: number; type: number } {
  let text = ''
  let score = 0
  let type: number = PieceType.normal
  for (const field of readProtobuf(bytes, 'a SentencePiece model', where, TokenizerError)) {
    if (field.number === 1) text = string(field, where)
    else if (field.number === 2 && field.type === 'fixed32') score = field.float
    else if (field.number === 3 && field.type === 'varint') type = field.value
  }
  if (text === '' || text.includes('\0')) throw broken(where, 'a text without null characters', JSON.stringify(text))
  if (bytes.length >= MAX_PIECE_BYTES) throw broken(where, `less than ${MAX_PIECE_BYTES} bytes`, `${bytes.length}`)
  if (!Number.isFinite(score)) throw broken(where, 'a finite score', `${score}`)
  if (type < PieceType.normal || type > PieceType.byte) throw broken(where, 'a type from 1 to 6', `${type}`)
  return { text, score, type }
}

function readTrainerSpec(bytes: Uint8Array, spec: TrainerSpec, where: string): void {
  for (const field of readProtobuf(bytes, 'a SentencePiece model', where, TokenizerError)) {
    if (field.number === 3 && field.type === 'varint') spec.modelType = field.value
    else if (field.number === 24) spec.treatWhitespaceAsSuffix = flag(field, spec.treatWhitespaceAsSuffix)
    else if (field.number === 35) spec.byteFallback = flag(field, spec.byteFallback)
    else if (field.number === 44) spec.unkSurface = string(field, where)
  }
}

function readNormalizerSpec(bytes: Uint8Array, spec: NormalizerSpec, where: string): void {
  for (const field of readProtobuf(bytes, 'a SentencePiece model', where, TokenizerError)) {
    if (field.number === 2 && field.type === 'bytes') spec.precompiledCharsmap = field.value
    else if (field.number === 3) spec.addDummyPrefix = flag(field, spec.addDummyPrefix)
    else if (field.number === 4) spec.removeExtraWhitespaces = flag(field, spec.removeExtraWhitespaces)
    else if (field.number === 5) spec.escapeWhitespaces = flag(field, spec.escapeWhitespaces)
  }
}

/** SentencePiece's own checks at loading; returns the id of the unknown piece. */
function checkPieces(pieces: readonly string[], types: Uint8Array, byteFallback: boolean, where: string): number {
  const seen = { ordinary: new Set<string>(), reserved: new Set<string>() }
  let bytes = 0
  let unkId = -1
  for (const [id, piece] of pieces.entries()) {
    const type = types[id]
    const isReserved = type === PieceType.unknown || type === PieceType.control || type === PieceType.byte
    const names = isReserved ? seen.reserved : seen.ordinary
    if (names.has(piece)) throw broken(where, 'every piece once', `${JSON.stringify(piece)} twice`)
    names.add(piece)
    if (type === PieceType.unknown) {
      if (unkId >= 0) throw broken(where, 'one unknown piece', `pieces ${unkId} and ${id}`)
      unkId = id
    }
    if (type === PieceType.byte) {
      if (!byteFallback) throw broken(where, 'no byte pieces without byte_fallback', JSON.stringify(piece))
      if (pieceToByte(piece) === undefined) throw broken(where, 'a byte piece like <0x0A>', JSON.stringify(piece))
      bytes++
    }
  }
  if (unkId < 0) throw broken(where, 'an unknown piece', 'none')
  if (byteFallback && bytes !== 256) throw broken(where, '256 byte pieces for byte_fallback', `${bytes}`)
  return unkId
}

function defaultNormalizer(): NormalizerSpec {
  return {
    precompiledCharsmap: new Uint8Array(0),
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
  }
}

function flag(field: ProtobufField, otherwise: boolean): boolean {
  return field.type === 'varint' ? field.value !== 0 : otherwise
}

function string(field: ProtobufField, where: string): string {
  if (field.type !== 'bytes') throw broken(where, 'a text', `a ${field.type}`)
  try {
    return utf8.decode(field.value)
  } catch (cause) {
    throw new TokenizerError('This SentencePiece model is damaged', {
      expected: 'UTF-8',
      found: 'other bytes',
      where,
      cause,
    })
  }
}

function broken(where: string, expected: string, found: string): TokenizerError {
  const hint = 'The file is damaged or in another format: download it again.'
  return new TokenizerError('This SentencePiece model is damaged', { expected, found, where, hint })
}
