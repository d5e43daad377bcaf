import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { ErrorClass } from './json.js'

/** Writes a message of Protocol Buffers, field by field. The comments of the callers name the schema. */
export class Message {
  private readonly writer = new BinaryWriter()

  text(field: number, value: string): this {
    this.writer.tag(field, WireType.LengthDelimited).string(value)
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.writer.tag(field, WireType.LengthDelimited).bytes(value)
    return this
  }

  int(field: number, value: number): this {
    this.writer.tag(field, WireType.Varint).int64(value)
    return this
  }

  float(field: number, value: number): this {
    this.writer.tag(field, WireType.Bit32).float(value)
    return this
  }

  fixed32(field: number, value: number): this {
    this.writer.tag(field, WireType.Bit32).fixed32(value)
    return this
  }

  /** An unsigned integer, omitted if it is 0, which is proto3's default. */
  count(field: number, value: number): this {
    if (value !== 0) this.writer.tag(field, WireType.Varint).uint64(value)
    return this
  }

  /** Omitted if it is 0, which is proto3's default. */
  double(field: number, value: number): this {
    if (!Object.is(value, 0)) this.writer.tag(field, WireType.Bit64).double(value)
    return this
  }

  packedDoubles(field: number, values: ArrayLike<number>): this {
    if (values.length === 0) return this
    this.writer.tag(field, WireType.LengthDelimited).fork()
    for (let i = 0; i < values.length; i++) this.writer.double(values[i] ?? 0)
    this.writer.join()
    return this
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish())
  }

  messages(field: number, values: Iterable<Message>): this {
    for (const value of values) this.message(field, value)
    return this
  }

  /** An entry of a map from texts to messages. */
  entry(field: number, key: string, value: Message): this {
    return this.message(field, new Message().text(1, key).message(2, value))
  }

  /** Its bytes; a message may be part of several others. */
  finish(): Uint8Array {
    const bytes = this.writer.finish() // which empties the writer
    this.writer.raw(bytes)
    return bytes
  }
}

/** One field of a message, as encoded. */
export type ProtobufField =
  | { readonly number: number; readonly type: 'varint'; readonly value: number }
  | { readonly number: number; readonly type: 'fixed32'; readonly float: number }
  | { readonly number: number; readonly type: 'other' }
  | { readonly number: number; readonly type: 'bytes'; readonly value: Uint8Array }

/**
 * Reads the fields of a message of Protocol Buffers in file order. Nothing is copied: values of type `bytes` are views. Varints keep
 * their lowest 32 bits, signed, which is all that flags, enums and ids need.
 *
 * @param what the message, for errors: `a SentencePiece model`.
 * @param where the file, for errors.
 * @throws ReadError if the bytes are not a message.
 */
export function* readProtobuf(
  bytes: Uint8Array,
  what: string,
  where: string,
  ReadError: ErrorClass,
): Generator<ProtobufField> {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const at = reader.pos
    let field: ProtobufField
    try {
      field = nextField(reader)
    } catch (cause) {
      const found = `${cause instanceof Error ? cause.message : String(cause)} at byte ${at} of ${bytes.length}`
      const hint = 'Fetch the file again: it is damaged, or has another format.'
      throw new ReadError(`The file is not ${what}`, { expected: 'a protobuf message', found, where, hint, cause })
    }
    yield field
  }
}

function nextField(reader: BinaryReader): ProtobufField {
  const [number, wireType] = reader.tag()
  switch (wireType) {
    case WireType.Varint:
      return { number, type: 'varint', value: reader.int32() }
    case WireType.Bit32:
      return { number, type: 'fixed32', float: reader.float() }
    case WireType.LengthDelimited:
      return { number, type: 'bytes', value: reader.bytes() }
    default:
      reader.skip(wireType, number)
      return { number, type: 'other' }
  }
}
