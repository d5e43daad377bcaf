import { InputError } from '../../errors.js'
import { type AddedToken, addedToken, type GivenToken, sameAddedToken } from '../added-token.js'
import { canonicalizeText } from '../clean/canonicalize.js'
import { lower, strip } from '../clean/python-str.js'
import type { SentencePiece } from './sentencepiece.js'
import type { SpecialTokens } from '../special-tokens.js'
import { TokenSplitter } from './token-splitter.js'
import type { Framed, TokenizerBackend } from '../tokenizer-backend.js'
import { truncateSequences } from '../truncation.js'
import { warnOnce } from '../warn-once.js'

const SPACE_SYMBOL = '\u2581'

/** What a SentencePiece tokenizer is made of. */
export interface SentencePieceParts {
  readonly sentencePiece: SentencePiece
  /** The file that `sentencePiece` was read from. */
  readonly file: Uint8Array
  readonly specialTokens: SpecialTokens
  readonly eosToken: string
  readonly unkToken: string
  readonly doLowerCase: boolean
  /** Added tokens of the configuration file. */
  readonly addedTokens: ReadonlyMap<number, AddedToken>
}

/**
 * Text → ids for SigLIP: split at added tokens, canonicalize the rest, split it by SentencePiece, append `</s>`.
 *
 * Source: `SiglipTokenizer`, `SentencePieceBackend` and `PreTrainedTokenizer` of transformers.
 */
export class SentencePieceBackend implements TokenizerBackend {
  readonly modelType = 'SentencePiece'
  readonly truncate = truncateSequences
  readonly #parts: SentencePieceParts
  readonly #addedById: Map<number, AddedToken>
  readonly #addedIds = new Map<string, number>()
  /** The added tokens of a content: of some flags each. */
  readonly #addedByContent = new Map<string, Set<AddedToken>>()
  readonly #splitter = new TokenSplitter()
  readonly #special = new Set<string>()
  /** How many pieces `unkToken` itself is split into. */
  readonly #unkLength: number

  constructor(parts: SentencePieceParts) {
    this.#parts = parts
    this.#addedById = new Map(parts.addedTokens)
    for (const [id, token] of this.#addedById) this.#put(id, token)
    this.#unkLength = parts.sentencePiece.encode(parts.unkToken).length
    this.addTokens(
      parts.specialTokens.all.filter((token) => !this.#addedIds.has(token)),
      true,
    )
    this.#learn()
  }

  get vocabSize(): number {
    return this.#parts.sentencePiece.pieceSize
  }

  vocab(): Map<string, number> {
    const vocab = new Map<string, number>()
    for (let id = 0; id < this.vocabSize; id++) vocab.set(this.idToToken(id) ?? '', id)
    for (const [id, token] of this.addedTokens()) vocab.set(token.content, id)
    return vocab
  }

  addedTokens(): ReadonlyMap<number, AddedToken> {
    return new Map([...this.#addedById].sort(([a], [b]) => a - b))
  }

  addTokens(tokens: readonly (string | GivenToken)[], special: boolean): number {
    const { sentencePiece, specialTokens, doLowerCase } = this.#parts
    let nextId = this.vocab().size
    let count = 0
    for (const given of tokens) {
      if (typeof given === 'string' && this.#addedIds.has(given)) continue
      let token =
        typeof given === 'string'
          ? addedToken({ content: given, special: special || specialTokens.has(given) })
          : { ...addedToken(given), special: special || given.special === true }
      const alike = this.#addedByContent.get(token.content) ?? []
      if (token.content === '' || [...alike].some((known) => sameAddedToken(known, token))) continue
      if (!token.special && token.normalized && doLowerCase) token = { ...token, content: lower(token.content) }
      let id = sentencePiece.pieceToId(token.content)
      if (sentencePiece.idToPiece(id) !== token.content) {
        id = nextId++
        count++
      }
      if (token.special) specialTokens.add(token.content)
      this.#put(id, token)
    }
    this.#learn()
    return count
  }

  tokenize(text: string, splitSpecialTokens: boolean): string[] {
    const marked = SPACE_SYMBOL + text.replaceAll(SPACE_SYMBOL, ' ')
    const tokens: string[] = []
    for (const part of splitSpecialTokens ? [marked] : this.#splitter.split(marked)) {
      if (part === '') continue
      if (!splitSpecialTokens && (this.#addedIds.has(part) || this.#special.has(part))) tokens.push(part)
      else for (const piece of this.#tokenizePart(part)) tokens.push(piece)
    }
    const [first, second] = tokens
    return first === SPACE_SYMBOL && second !== undefined && this.#special.has(second) ? tokens.slice(1) : tokens
  }

  encode(text: string, splitSpecialTokens: boolean): number[] {
    return this.tokenize(text, splitSpecialTokens).map((token) => this.tokenToId(token))
  }

  tokenToId(token: string): number {
    return this.#addedIds.get(token) ?? this.#parts.sentencePiece.pieceToId(token)
  }

  idToToken(id: number): string | undefined {
    return this.#addedById.get(id)?.content ?? this.#parts.sentencePiece.idToPiece(id)
  }

  tokensToString(tokens: readonly string[]): string {
    const { sentencePiece } = this.#parts
    let text = ''
    let ordinary: string[] = []
    let afterSpecial = false
    for (const token of tokens) {
      const isSpecial = this.#special.has(token)
      if (isSpecial) {
        // SentencePiece would drop special tokens, or write ⁇ for them.
        text += (afterSpecial ? '' : ' ') + sentencePiece.decode(ordinary) + token
        ordinary = []
      } else ordinary.push(token)
      afterSpecial = isSpecial
    }
    return strip(text + sentencePiece.decode(ordinary))
  }

  decode(ids: readonly number[], skipSpecialTokens: boolean): string {
    const skip = new Set(skipSpecialTokens ? this.#parts.specialTokens.all.map((token) => this.tokenToId(token)) : [])
    const tokens: string[] = []
    for (const id of ids) {
      if (skip.has(id)) continue
      const token = this.idToToken(id)
      if (token === undefined)
        throw new InputError('Unknown token id', {
          expected: `0 to ${this.vocab().size - 1}`,
          found: `${id}`,
          where: 'ids',
        })
      tokens.push(token)
    }
    return this.tokensToString(tokens)
  }

  frame(ids: readonly number[], pair?: readonly number[]): Framed {
    const texts = [this.#ended(ids), ...(pair ? [this.#ended(pair)] : [])]
    // The reference's mask takes it that </s> was appended even where it was there already, and is then longer than the ids.
    const specialTokensMask = texts.flatMap((text) => text.map((_, i) => (i === text.length - 1 ? 1 : 0)))
    return { ids: texts.flat(), specialTokensMask, typeIds: specialTokensMask.map(() => 0) }
  }

  files(): Map<string, Uint8Array> {
    const files = new Map([['spiece.model', this.#parts.file]])
    const beyond = [...this.#addedById].filter(([id]) => id >= this.vocabSize).map(([id, token]) => [token.content, id])
    if (beyond.length > 0)
      files.set(
        'added_tokens.json',
        new TextEncoder().encode(`${JSON.stringify(Object.fromEntries(beyond), undefined, 2)}\n`),
      )
    return files
  }

  /**
   * SentencePiece strips spaces at the start of what it gets, so each part is encoded behind `<unk>`, whose pieces are then taken
   * off again.
   */
  #tokenizePart(text: string): string[] {
    const { sentencePiece, unkToken, doLowerCase } = this.#parts
    const pieces = sentencePiece.encode(unkToken + canonicalizeText(text, { doLowerCase }))
    return pieces.length >= this.#unkLength ? pieces.slice(this.#unkLength) : pieces
  }

  #ended(ids: readonly number[]): number[] {
    const eosId = this.tokenToId(this.#parts.eosToken)
    if (ids.at(-1) !== eosId) return [...ids, eosId]
    warnOnce(this, `A text ends with ${this.#parts.eosToken} already: it is not added again.`)
    return [...ids]
  }

  #put(id: number, token: AddedToken): void {
    const before = this.#addedById.get(id)
    if (before) this.#addedByContent.get(before.content)?.delete(before)
    const alike = this.#addedByContent.get(token.content)
    if (alike) alike.add(token)
    else this.#addedByContent.set(token.content, new Set([token]))
    this.#addedById.set(id, token)
    this.#addedIds.set(token.content, id)
  }

  #learn(): void {
    for (const token of this.#addedById.values()) this.#splitter.add(token.content, token)
    for (const token of this.#parts.specialTokens.all) {
      this.#special.add(token)
      this.#splitter.add(token)
    }
  }
}
