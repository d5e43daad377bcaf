/** A token that text is cut at before the model sees it, whether or not it is in the model's vocabulary. */
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
  /** Left out by `skipSpecialTokens`. */
  readonly special: boolean
}

/** An added token from its content and those flags that are set; as in transformers, special tokens match raw text by default. */
export function addedToken(token: string | (Partial<AddedToken> & Pick<AddedToken, 'content'>)): AddedToken {
  const given = typeof token === 'string' ? { content: token } : token
  const special = given.special ?? false
  return { singleWord: false, lstrip: false, rstrip: false, normalized: !special, special, ...given }
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
