/** A token at which text is split before the model sees it, whether or not it is in the model's vocabulary. */
export interface AddedToken {
  readonly content: string
  /** Only match between non-word characters. */
  readonly singleWord: boolean
  /** Swallow the whitespace on the left. */
  readonly lstrip: boolean
  /** Swallow the whitespace on the right. */
  readonly rstrip: boolean
  /** Match in normalized text rather than in the raw one. */
  readonly normalized: boolean
  /** Omitted by `skipSpecialTokens`. */
  readonly special: boolean
}

/** An added token's content and those of its flags that are set. */
export type GivenToken = Partial<AddedToken> & Pick<AddedToken, 'content'>

/** An added token with all its flags; as in transformers, special tokens match raw text by default. */
export function addedToken(given: GivenToken): AddedToken {
  const { content, singleWord = false, lstrip = false, rstrip = false, special = false, normalized = !special } = given
  return { content, singleWord, lstrip, rstrip, normalized, special }
}

/** Whether two added tokens agree in content and flags. */
export function sameAddedToken(a: AddedToken, b: AddedToken): boolean {
  return (
    a.content === b.content &&
    a.singleWord === b.singleWord &&
    a.lstrip === b.lstrip &&
    a.rstrip === b.rstrip &&
    a.normalized === b.normalized &&
    a.special === b.special
  )
}
