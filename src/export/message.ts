import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'

/** A protocol-buffers message, field by field; what is written here has no schema at hand but the comments beside it. */
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
