/** The `model` of a `tokenizer.json`: it splits text into the tokens of its vocabulary. */
export interface TokenizerModel {
  /** The number of tokens. */
  readonly size: number
  /** All tokens with their ids. */
  entries(): Iterable<readonly [token: string, id: number]>
  tokenToId(token: string): number | undefined
  idToToken(id: number): string | undefined
  /** The ids of a text's tokens. */
  encode(text: string): number[]
  /** The tokens themselves; unknown text may stand for itself. */
  tokenize(text: string): string[]
}
