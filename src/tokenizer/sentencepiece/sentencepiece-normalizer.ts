import type { ByteTrie } from './byte-trie.js'
import { CharsMap } from './charsmap.js'
import type { NormalizerSpec } from './sentencepiece-model.js'

const SPACE = 0x20
/** U+2581 `▁` in UTF-8. */
const SPACE_SYMBOL = [0xe2, 0x96, 0x81] as const

/** What else than its spec decides how a text is normalized. */
export interface NormalizerContext {
  /** Strings that no rule may change: the user-defined pieces. */
  readonly untouched?: ByteTrie | undefined
  /** Whether the dummy prefix goes to the end. */
  readonly treatWhitespaceAsSuffix?: boolean
  /** The file's name, for messages. */
  readonly where: string
}

/**
 * Rewrites text by a model's compiled rules and treats its spaces, on UTF-8 bytes.
 *
 * Source: `Normalizer::Normalize` of SentencePiece's `normalizer.cc`.
 */
export class SentencePieceNormalizer {
  /** The last normalized text, at the start of the buffer; overwritten by the next call. */
  output = new Uint8Array(1024)
  #length = 0
  readonly #spec: Readonly<NormalizerSpec>
  readonly #charsMap: CharsMap | undefined
  readonly #context: NormalizerContext
  /** What the text at the current position is replaced by: `#source[#from … #to]`, for `#consumed` bytes of it. */
  #source: Uint8Array = this.output
  #from = 0
  #to = 0
  #consumed = 0

  /** @throws TokenizerError if the compiled rules are damaged. */
  constructor(spec: Readonly<NormalizerSpec>, context: NormalizerContext) {
    this.#spec = spec
    this.#context = context
    if (spec.precompiledCharsmap.length > 0) this.#charsMap = new CharsMap(spec.precompiledCharsmap, context.where)
  }

  /** Normalizes the first `length` bytes of `input`, valid UTF-8, into `output`; returns how many bytes it wrote there. */
  normalize(input: Uint8Array, length: number): number {
    const { addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces } = this.#spec
    const asSuffix = this.#context.treatWhitespaceAsSuffix === true
    this.#length = 0
    let at = 0
    if (removeExtraWhitespaces)
      while (at < length) {
        this.#replacePrefix(input, at, length)
        if (this.#to - this.#from !== 1 || this.#source[this.#from] !== SPACE) break
        at += this.#consumed
      }
    if (at >= length) return 0

    if (addDummyPrefix && !asSuffix) this.#writeSpace()
    let afterSpace = removeExtraWhitespaces
    while (at < length) {
      this.#replacePrefix(input, at, length)
      at += this.#consumed
      if (afterSpace) while (this.#from < this.#to && this.#source[this.#from] === SPACE) this.#from++
      if (this.#from === this.#to) continue
      this.#reserve(3 * (this.#to - this.#from))
      for (let i = this.#from; i < this.#to; i++) {
        const byte = this.#source[i] ?? 0
        if (byte === SPACE && escapeWhitespaces) this.#writeSpace()
        else this.output[this.#length++] = byte
      }
      afterSpace = removeExtraWhitespaces && this.#source[this.#to - 1] === SPACE
    }
    if (removeExtraWhitespaces) while (this.#endsWithSpace()) this.#length -= escapeWhitespaces ? 3 : 1
    if (addDummyPrefix && asSuffix) this.#writeSpace()
    return this.#length
  }

  /** Finds what the text at `at` is replaced by: a protected string itself, else the longest rule, else one character. */
  #replacePrefix(input: Uint8Array, at: number, end: number): void {
    const untouched = this.#context.untouched?.longestPrefix(input, at, end) ?? 0
    const charsMap = this.#charsMap
    const matched = untouched === 0 && charsMap ? charsMap.match(input, at, end, 'longest') : 0
    if (matched > 0 && charsMap) {
      const replacements = charsMap.replacements
      this.#source = replacements
      this.#from = this.#to = charsMap.replacementStart
      while (replacements[this.#to] !== 0) this.#to++
      this.#consumed = matched
      return
    }
    this.#consumed = untouched
    if (untouched === 0) {
      this.#consumed = 1
      while (((input[at + this.#consumed] ?? 0) & 0xc0) === 0x80 && at + this.#consumed < end) this.#consumed++
    }
    this.#source = input
    this.#from = at
    this.#to = at + this.#consumed
  }

  #writeSpace(): void {
    this.#reserve(3)
    if (this.#spec.escapeWhitespaces) for (const byte of SPACE_SYMBOL) this.output[this.#length++] = byte
    else this.output[this.#length++] = SPACE
  }

  #endsWithSpace(): boolean {
    const n = this.#length
    if (!this.#spec.escapeWhitespaces) return n > 0 && this.output[n - 1] === SPACE
    return n >= 3 && SPACE_SYMBOL.every((byte, i) => this.output[n - 3 + i] === byte)
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.output.length) return
    const larger = new Uint8Array(2 * (this.#length + bytes))
    larger.set(this.output.subarray(0, this.#length))
    this.output = larger
  }
}
