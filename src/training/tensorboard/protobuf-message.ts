/**
 * Writes a message of Protocol Buffers, field by field. proto3 leaves out what is 0 or empty: so does this, except where
 * the field is one of several that exclude each other.
 */
export class ProtobufMessage {
  readonly #parts: Uint8Array[] = []

  /** A whole number from 0, exact to 2⁵³. */
  varint(field: number, value: number): this {
    return value === 0 ? this : this.raw(varint(field * 8), varint(value))
  }

  double(field: number, value: number): this {
    return Object.is(value, 0) ? this : this.raw(varint(field * 8 + 1), doubles([value]))
  }

  /** Written even if it is 0. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    return this.raw(varint(field * 8 + 5), bytes)
  }

  /** A text, bytes, or a message inside the message, which is written even if it is empty. */
  bytes(field: number, value: string | Uint8Array | ProtobufMessage): this {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
    const content = bytes instanceof ProtobufMessage ? bytes.toBytes() : bytes
    return this.raw(varint(field * 8 + 2), varint(content.length), content)
  }

  packedDoubles(field: number, values: ArrayLike<number>): this {
    return values.length === 0 ? this : this.bytes(field, doubles(values))
  }

  toBytes(): Uint8Array {
    return joined(this.#parts)
  }

  private raw(...parts: readonly Uint8Array[]): this {
    this.#parts.push(...parts)
    return this
  }
}

/** Bytes one after another. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Uint8Array.from([...bytes, rest])
}

function doubles(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(values.length * 8)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < values.length; i++) view.setFloat64(i * 8, values[i] ?? 0, true)
  return bytes
}
