import type { AddedToken, GivenToken } from './added-token.js'
import type { Side } from './tokenizer-config.js'
import type { Sequences, Truncation } from './truncation.js'

/**
 * How a tokenizer turns text into ids and back: the part that transformers leaves to SentencePiece and its own Python, or to the
 * `tokenizers` library. The two differ in many small ways, so each backend answers for itself.
 */
export interface TokenizerBackend {
  /** What splits texts: SentencePiece itself, or one of the `tokenizers` library's models. */
  readonly modelType: 'SentencePiece' | 'Unigram' | 'BPE'
  /** The number of tokens in the model's vocabulary, without added ones. */
  readonly vocabSize: number
  /** All tokens with their ids. */
  vocab(): Map<string, number>
  /** Added tokens by id, in ascending order. */
  addedTokens(): ReadonlyMap<number, AddedToken>
  /** Adds tokens and returns how many weren't in the vocabulary. They become special tokens if `special` is set. */
  addTokens(tokens: readonly (string | GivenToken)[], special: boolean): number

  /** The tokens of a text, without those that frame it. */
  tokenize(text: string, splitSpecialTokens: boolean): string[]
  /** The ids of `tokenize`. */
  encode(text: string, splitSpecialTokens: boolean): number[]
  /** The id of a token; of the unknown token if it has none. */
  tokenToId(token: string): number
  /** The token of an id, if there is one. */
  idToToken(id: number): string | undefined
  /** Joins tokens to text. */
  tokensToString(tokens: readonly string[]): string
  /** The text of ids, optionally without special tokens. */
  decode(ids: readonly number[], skipSpecialTokens: boolean): string

  /** Truncates one text or a pair to `room` tokens in total. */
  truncate(ids: number[], pair: number[] | undefined, room: number, how: Truncation, side: Side): Sequences
  /** One text or a pair with the special tokens that frame it. */
  frame(ids: readonly number[], pair?: readonly number[]): Framed
  /** The vocabulary's files by name. */
  files(): Map<string, Uint8Array>
}

/** A sequence as the model gets it. */
export interface Framed {
  readonly ids: number[]
  /** 1 for special tokens that frame it, 0 for the text's own. */
  readonly specialTokensMask: number[]
  readonly typeIds: number[]
}
