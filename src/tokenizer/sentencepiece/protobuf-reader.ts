import { TokenizerError } from '../../errors.js'

/** One field of a protobuf message, as it stands on the wire. */
export type ProtobufField =
  | { readonly number: number; readonly type: 'varint'; readonly value: number }
  | { readonly number: number; readonly type: 'fixed32'; readonly value: number; readonly float: number }
  | { readonly number: number; readonly type: 'fixed64' }
  | { readonly number: number; readonly type: 'bytes'; readonly value: Uint8Array }

/**
 * The fields of a protobuf message in file order. Nothing is read beyond `bytes`, and nothing is copied: the values of type
 * `bytes` are views. Varints keep their lowest 32 bits, signed, which is all that flags, enums and ids need.
 *
 * @throws TokenizerError if the bytes are not a message; `where` names them in it.
 */
export function* readProtobuf(bytes: Uint8Array, where: string): Generator<ProtobufField> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0

  const broken = (found: string): TokenizerError =>
    new TokenizerError('This is not a SentencePiece model', {
      expected: 'a protobuf message',
      found: `${found} at byte ${at} of ${bytes.length}`,
      where,
      hint: 'Fetch the file anew: it is damaged, or another format.',
    })

  const varint = (): number => {
    let low = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at]
      if (byte === undefined) throw broken('the end of the data')
      at++
      if (shift < 32) low |= (byte & 0x7f) << shift
      if (byte < 0x80) return low
    }
    throw broken('a number of more than ten bytes')
  }

  const skip = (length: number): number => {
    if (length < 0 || length > bytes.length - at) throw broken(`a field of ${length >>> 0} bytes`)
    at += length
    return at - length
  }

  while (at < bytes.length) {
    const tag = varint() >>> 0
    const number = tag >>> 3
    if (number === 0) throw broken('field number 0')
    switch (tag & 7) {
      case 0:
        yield { number, type: 'varint', value: varint() }
        break
      case 1:
        skip(8)
        yield { number, type: 'fixed64' }
        break
      case 2: {
        const length = varint()
        const start = skip(length)
        yield { number, type: 'bytes', value: bytes.subarray(start, at) }
        break
      }
      case 5: {
        const start = skip(4)
        yield { number, type: 'fixed32', value: view.getUint32(start, true), float: view.getFloat32(start, true) }
        break
      }
      default:
        throw broken(`wire type ${tag & 7}`)
    }
  }
}
