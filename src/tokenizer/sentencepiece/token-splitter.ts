import type { AddedToken } from '../added-token.js'
import { stripEnd, stripStart } from '../clean/python-str.js'

type Node = Map<string, Node>

/** The key that marks the end of a token in a node. */
const END = ''

/**
 * Splits text at added tokens, the longest at each position.
 *
 * Source: `Trie` and `PreTrainedTokenizer.tokenize` of transformers' `tokenization_python.py`, whose choice among overlapping
 * tokens no simpler search reproduces.
 */
export class TokenSplitter {
  readonly #root: Node = new Map()
  readonly #flags = new Map<string, AddedToken>()

  /** Splits at `token` as well; without `flags`, its neighbours are unchanged. */
  add(token: string, flags?: AddedToken): void {
    if (token === '') return
    if (flags) this.#flags.set(token, flags)
    let node = this.#root
    for (let i = 0; i < token.length; i++) {
      const next: Node = node.get(token.charAt(i)) ?? new Map<string, Node>()
      node.set(token.charAt(i), next)
      node = next
    }
    node.set(END, new Map())
  }

  /** The parts of a text: tokens and what lies between them, stripped as the tokens' flags want it. Some may be empty. */
  split(text: string): string[] {
    const parts = this.#cut(text)
    for (let i = 0; i < parts.length; i++) {
      const token = parts[i] ?? ''
      const flags = this.#flags.get(token)
      if (!flags) continue
      const left = parts[i - 1]
      const right = parts[i + 1]
      if (flags.rstrip && right) parts[i + 1] = stripStart(right)
      if (flags.lstrip && left) parts[i - 1] = stripEnd(left)
      if (!flags.singleWord) continue
      if (left && !left.endsWith(' ')) {
        parts[i - 1] = (parts[i - 1] ?? '') + token
        parts[i] = ''
      } else if (right && !right.startsWith(' ')) {
        parts[i + 1] = token + (parts[i + 1] ?? '')
        parts[i] = ''
      }
    }
    return parts
  }

  #cut(text: string): string[] {
    let occurs = false
    for (const first of this.#root.keys()) occurs ||= text.includes(first)
    if (!occurs) return [text]

    const offsets: number[] = []
    /** Tokens that may be under way: where each started, and how far it has been read. */
    let states = new Map<number, Node>()
    let skip = 0
    for (let current = 0; current < text.length; current++) {
      if (current < skip) continue
      const failed: number[] = []
      let isMatch = false
      for (const [start, node] of states) {
        if (node.has(END)) {
          const match = longestMatch(text, current, start, states)
          offsets.push(match.start, match.end)
          skip = Math.max(skip, match.skip)
          isMatch = true
          break
        }
        const next = node.get(text.charAt(current))
        if (next) states.set(start, next)
        else failed.push(start)
      }
      if (isMatch) states = new Map()
      else for (const start of failed) states.delete(start)
      const node = this.#root.get(text.charAt(current))
      if (current >= skip && node) states.set(current, node)
    }
    for (const [start, node] of states) {
      if (!node.has(END)) continue
      offsets.push(start, text.length)
      break
    }

    const parts: string[] = []
    let start = 0
    for (const end of [...offsets, text.length]) {
      if (end <= start) continue
      parts.push(text.slice(start, end))
      start = end
    }
    return parts
  }
}

/**
 * The longest token to be had when the one that began at `start` is complete just before `current`: itself, a longer one, or one
 * that began earlier. States before `start` have read the character at `current` already, or failed to; the reference tries the
 * latter on from the next character all the same.
 */
function longestMatch(
  text: string,
  current: number,
  start: number,
  states: ReadonlyMap<number, Node>,
): { start: number; end: number; skip: number } {
  const best = { start, end: current, skip: 0 }
  for (const [candidate, state] of states) {
    if (candidate > best.start) break
    let at = candidate < best.start ? current + 1 : current
    best.end = at
    let node: Node | undefined = state
    for (;;) {
      if (node.has(END)) {
        best.start = candidate
        best.end = at
        best.skip = at
      }
      node = at < text.length ? node.get(text.charAt(at)) : undefined
      if (node === undefined) break
      at++
    }
  }
  return best
}
