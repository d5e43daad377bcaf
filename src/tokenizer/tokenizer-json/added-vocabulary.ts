import { type AddedToken, sameAddedToken } from '../added-token.js'
import type { Normalizer } from './json-normalizer.js'
import type { TextPart } from './json-pre-tokenizer.js'
import { leadingSpaces, trimmedLength } from './rust-str.js'
import type { TokenizerModel } from './tokenizer-model.js'

/** A stretch of text: an added token as the text spells it, or what the model is to split. */
export interface Stretch extends TextPart {
  /** The added token's id. */
  readonly id?: number
}

/** A node of the search tree: what may follow, and the token that ends here. */
interface Node {
  readonly next: Map<string, Node>
  id?: number
}

/** What `\w` matches in Rust's regular expressions. */
const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]'
const WORD_BEFORE = new RegExp(`${WORD}$`, 'u')
const WORD_AFTER = new RegExp(`^${WORD}`, 'u')

/**
 * The tokens that a `tokenizer.json` adds to its model's: text is split at them, in its raw form or in its normalized one, at each
 * place the longest.
 *
 * Source: `added_vocabulary.rs` of the `tokenizers` library.
 */
export class AddedVocabulary {
  readonly #byId = new Map<number, AddedToken>()
  readonly #ids = new Map<string, number>()
  readonly #written = new Map<number, string>()
  readonly #special = new Set<string>()
  #nextId: number
  readonly #model: TokenizerModel
  readonly #normalize: Normalizer
  #raw: Node = { next: new Map() }
  #normalized: Node = { next: new Map() }

  constructor(model: TokenizerModel, normalize: Normalizer) {
    this.#model = model
    this.#normalize = normalize
    this.#nextId = model.size
  }

  /** The tokens by id. */
  get tokens(): ReadonlyMap<number, AddedToken> {
    return new Map([...this.#byId].sort(([a], [b]) => a - b))
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token)
  }

  /** The token of an id, as it is matched in text. */
  idToToken(id: number): string | undefined {
    return this.#written.get(id)
  }

  /** Whether `skipSpecialTokens` leaves this token out. */
  isSpecial(token: string): boolean {
    return this.#special.has(token)
  }

  /** Adds tokens, and returns how many were neither empty nor added before with the same flags. */
  add(tokens: readonly AddedToken[]): number {
    let count = 0
    for (const token of tokens) {
      const known = this.#ids.get(token.content)
      const before = known === undefined ? undefined : this.#byId.get(known)
      if (token.special) this.#special.add(token.content)
      if (token.content === '' || (before && sameAddedToken(before, token))) continue
      const id = known ?? this.#model.tokenToId(token.content) ?? this.#nextId
      this.#ids.set(token.content, id)
      this.#byId.set(id, token)
      this.#nextId = Math.max(this.#nextId, id + 1)
      count++
    }
    this.#raw = { next: new Map() }
    this.#normalized = { next: new Map() }
    for (const [id, { content, normalized }] of this.#byId) {
      const written = normalized ? this.#normalize({ text: content, isFirst: true }).text : content
      this.#written.set(id, written)
      if (written !== '') insert(normalized ? this.#normalized : this.#raw, written, id)
    }
    return count
  }

  /** Splits a text at added tokens, and normalizes the rest. */
  split(text: string, splitSpecialTokens: boolean): Stretch[] {
    return this.#cut({ text, isFirst: true }, this.#raw, splitSpecialTokens).flatMap((stretch) =>
      stretch.id === undefined ? this.#cut(this.#normalize(stretch), this.#normalized, splitSpecialTokens) : [stretch],
    )
  }

  #cut({ text, isFirst }: TextPart, root: Node, splitSpecialTokens: boolean): Stretch[] {
    const stretches: Stretch[] = []
    let done = 0
    const push = (start: number, end: number, id?: number): void => {
      const stretch = { text: text.slice(start, end), isFirst: isFirst && start === 0 }
      if (end > start) stretches.push(id === undefined ? stretch : { ...stretch, id })
    }
    for (let at = 0; at < text.length; at++) {
      const { id, end: matchEnd } = longestMatch(root, text, at)
      const token = id === undefined ? undefined : this.#byId.get(id)
      if (id === undefined || token === undefined) continue
      let start = at
      let end = matchEnd
      at = matchEnd - 1
      if (splitSpecialTokens && this.#special.has(token.content)) continue
      if (token.singleWord && isInsideWord(text, start, end)) continue
      if (token.lstrip) start = Math.max(trimmedLength(text.slice(0, start)), done)
      if (token.rstrip) end += leadingSpaces(text.slice(end))
      push(done, start)
      push(start, end, id)
      done = end
    }
    push(done, text.length)
    return stretches
  }
}

function insert(root: Node, content: string, id: number): void {
  let node = root
  for (let i = 0; i < content.length; i++) {
    const next = node.next.get(content.charAt(i)) ?? { next: new Map<string, Node>() }
    node.next.set(content.charAt(i), next)
    node = next
  }
  node.id = id
}

/** The longest token that starts at `start`, and where it ends. */
function longestMatch(root: Node, text: string, start: number): { id?: number; end: number } {
  let found: { id?: number; end: number } = NOTHING
  let node = root.next.get(text.charAt(start))
  for (let end = start + 1; node !== undefined; end++) {
    if (node.id !== undefined) found = { id: node.id, end }
    node = node.next.get(text.charAt(end))
  }
  return found
}

const NOTHING = { end: 0 }

function isInsideWord(text: string, start: number, end: number): boolean {
  return WORD_BEFORE.test(text.slice(Math.max(0, start - 2), start)) || WORD_AFTER.test(text.slice(end, end + 2))
}
