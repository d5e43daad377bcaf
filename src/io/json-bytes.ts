import { TokenizerError } from '../errors.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** Tokenizer files have ten levels at most; unbounded ones would overflow the stack of the values' readers. */
const MAX_DEPTH = 64
const encoder = new TextEncoder()

/**
 * A cursor over JSON text in UTF-8, for lists too long to make objects of: a vocabulary of 256,000 tokens with its merges takes
 * `JSON.parse` seconds and hundreds of megabytes.
 */
export class JsonBytes {
  /** Where the last string read is: `source[start … end]`, its escapes resolved. */
  source: Uint8Array
  start = 0
  end = 0
  readonly bytes: Uint8Array
  /** Where the cursor is. */
  at: number
  readonly #where: string

  constructor(bytes: Uint8Array, where: string, at = 0) {
    this.bytes = bytes
    this.source = bytes
    this.at = at
    this.#where = where
  }

  /** The next byte that isn't whitespace, which the cursor stays at; 0 at the end. */
  peek(): number {
    for (;;) {
      const byte = this.bytes[this.at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte ?? 0
      this.at++
    }
  }

  /** Steps over `character` if it is next. */
  take(character: string): boolean {
    if (this.peek() !== character.charCodeAt(0)) return false
    this.at++
    return true
  }

  /** Steps over `character`. @throws TokenizerError if something else is next. */
  expect(character: string): void {
    if (!this.take(character)) throw this.#unexpected(`"${character}"`)
  }

  /** Reads a string. @throws TokenizerError if something else is next. */
  readString(): void {
    if (this.peek() !== QUOTE) throw this.#unexpected('a string')
    const start = this.at + 1
    let end = start
    let isEscaped = false
    for (let byte = this.bytes[end]; byte !== QUOTE; byte = this.bytes[++end]) {
      if (byte === undefined || byte < 0x20) throw this.#unexpected('a string that ends')
      if (byte !== BACKSLASH) continue
      isEscaped = true
      end++
    }
    this.at = end + 1
    this.source = isEscaped ? this.#unescape(start - 1, end + 1) : this.bytes
    this.start = isEscaped ? 0 : start
    this.end = isEscaped ? this.source.length : end
  }

  /** Reads a whole number from 0. @throws TokenizerError if something else is next. */
  readId(): number {
    let byte = this.peek()
    let value = 0
    const start = this.at
    while (byte >= 0x30 && byte <= 0x39 && value < 2 ** 31) {
      value = value * 10 + byte - 0x30
      byte = this.bytes[++this.at] ?? 0
    }
    if (this.at === start || value >= 2 ** 31) throw this.#unexpected('an id (a whole number from 0)')
    return value
  }

  /** Steps over any value. */
  skipValue(): void {
    let depth = 0
    do {
      const byte = this.peek()
      if (byte === QUOTE) this.readString()
      else if (byte === 0) throw this.#unexpected('a value')
      else {
        if ((byte === 0x7b || byte === 0x5b) && ++depth > MAX_DEPTH)
          throw this.#unexpected(`at most ${MAX_DEPTH} levels`)
        if (byte === 0x7d || byte === 0x5d) depth--
        this.at++
        // Numbers, true, false and null; `,` and `:` are passed one by one.
        if (isWordByte(byte)) while (isWordByte(this.bytes[this.at] ?? 0)) this.at++
      }
    } while (depth > 0)
  }

  /** Steps into an object, and over its members' values but those of `visit`ed keys that it reads itself by returning true. */
  readObject(visit: (key: string) => boolean): void {
    this.expect('{')
    if (this.take('}')) return
    do {
      this.readString()
      const key = new TextDecoder().decode(this.source.subarray(this.start, this.end))
      this.expect(':')
      if (!visit(key)) this.skipValue()
    } while (this.take(','))
    this.expect('}')
  }

  #unescape(start: number, end: number): Uint8Array {
    try {
      return encoder.encode(String(JSON.parse(new TextDecoder().decode(this.bytes.subarray(start, end)))))
    } catch {
      throw this.#unexpected('a string')
    }
  }

  #unexpected(expected: string): TokenizerError {
    const byte = this.bytes[this.at]
    return new TokenizerError('This file is not the JSON it should be', {
      expected,
      found: byte === undefined ? 'the end' : JSON.stringify(String.fromCharCode(byte)),
      where: `byte ${this.at} of ${this.#where}`,
      hint: 'The file is damaged: download it again.',
    })
  }
}

function isWordByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x45
  )
}
