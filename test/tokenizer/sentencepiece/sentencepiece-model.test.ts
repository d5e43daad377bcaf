import fc from 'fast-check'
import { TokenizerError } from '../../../src/errors.js'
import { SiglipTokenizer } from '../../../src/tokenizer/siglip-tokenizer.js'
import {
  byteToPiece,
  parseSentencePieceModel,
  pieceToByte,
} from '../../../src/tokenizer/sentencepiece/sentencepiece-model.js'
import { fixture } from '../reference-vectors.js'

const small = fixture('tokenizer-more/byte-fallback.model')
const large = fixture('tokenizer/spiece.model')

/** A field of a protobuf message. */
function field(number: number, value: number | string | Uint8Array): Uint8Array {
  if (typeof value === 'number')
    return Uint8Array.of(
      ((number << 3) & 0x7f) | (number > 15 ? 0x80 : 0),
      ...(number > 15 ? [number >> 4] : []),
      value,
    )
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  return Uint8Array.of((number << 3) | 2, bytes.length, ...bytes)
}

function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(fields.flatMap((f) => [...f]))
}

const unknown = field(1, message(field(1, '<unk>'), field(3, 2)))
const piece = (text: string, type = 1) => field(1, message(field(1, text), field(3, type)))

test('reads pieces, scores and flags', () => {
  const model = parseSentencePieceModel(message(unknown, piece('a'), field(2, message(field(35, 0), field(24, 1)))))
  expect(model.pieces).toEqual(['<unk>', 'a'])
  expect(model).toMatchObject({ unkId: 0, byteFallback: false, treatWhitespaceAsSuffix: true, denormalizer: undefined })
  expect(model.normalizer).toMatchObject({
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
  })
})

test.each([
  ['nothing', new Uint8Array(0)],
  ['text', new TextEncoder().encode('{"model": {}}')],
  ['no unknown piece', message(piece('a'))],
  ['two unknown pieces', message(unknown, piece('<u>', 2))],
  ['a piece twice', message(unknown, piece('a'), piece('a'))],
  ['an empty piece', message(unknown, piece(''))],
  ['a null character', message(unknown, piece('a\0'))],
  ['a type that is none', message(unknown, piece('a', 9))],
  ['byte pieces without byte_fallback', message(unknown, piece('<0x00>', 6))],
  ['byte_fallback without byte pieces', message(unknown, field(2, message(field(35, 1))))],
  ['a byte piece of another form', message(unknown, piece('<0xzz>', 6), field(2, message(field(35, 1))))],
  ['a BPE model', message(unknown, field(2, message(field(3, 2))))],
  ['bytes that are no UTF-8', message(unknown, field(1, message(field(1, Uint8Array.of(0xff)))))],
  ['rules of no length', message(unknown, field(3, message(field(2, Uint8Array.of(0, 0, 0, 0)))))],
])('%s is a TokenizerError', (_, bytes) => {
  expect(() => SiglipTokenizer.fromSentencePiece(bytes)).toThrow(TokenizerError)
})

/** Runs a load that may fail in one way only; what it makes must still encode. */
function tolerates(bytes: Uint8Array): void {
  try {
    const tokenizer = SiglipTokenizer.fromSentencePiece(bytes)
    tokenizer.decode(tokenizer.encode('a photo of 2 cats, Ⅷ é ﷺ', { truncation: true }))
  } catch (error) {
    expect(error).toBeInstanceOf(TokenizerError)
  }
}

test('a file cut off anywhere is a TokenizerError or a smaller model', () => {
  fc.assert(
    fc.property(fc.nat({ max: small.length - 1 }), (length) => {
      tolerates(small.subarray(0, length))
    }),
    { numRuns: 300 },
  )
})

test('a file with changed bytes is a TokenizerError or another model', () => {
  const changes = (size: number) =>
    fc.array(fc.tuple(fc.nat({ max: size - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 })
  const changed = (bytes: Uint8Array, at: readonly (readonly [number, number])[]): Uint8Array => {
    const copy = Uint8Array.from(bytes)
    for (const [index, value] of at) copy[index] = value
    return copy
  }
  fc.assert(
    fc.property(changes(small.length), (at) => {
      tolerates(changed(small, at))
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(changes(large.length), (at) => {
      tolerates(changed(large, at))
    }),
    { numRuns: 40 },
  )
})

test('bytes and their pieces correspond', () => {
  for (let byte = 0; byte < 256; byte++) expect(pieceToByte(byteToPiece(byte))).toBe(byte)
  expect(byteToPiece(10)).toBe('<0x0A>')
  expect(pieceToByte('<0x0a>')).toBeUndefined()
})
