import { TokenizerError } from '../../errors.js'

/** The root of every trie. */
export const ROOT = 0

/**
 * A map from byte strings to numbers, walked byte by byte: the edges are one open-addressing hash table in typed arrays, so that
 * a step allocates nothing.
 */
export class ByteTrie {
  #mask = 1023
  /** `node * 256 + byte` of the edge in each slot, plus one; 0 marks a free slot. */
  #edges = new Uint32Array(1024)
  #targets = new Int32Array(1024)
  #values = new Int32Array(1024).fill(-1)
  #nodes = 1

  /** Puts `value` (≥ 0) under `key`; the last value of a key counts. */
  set(key: Uint8Array, value: number): void {
    let node = ROOT
    for (const byte of key) {
      const next = this.next(node, byte)
      node = next >= 0 ? next : this.#add(node, byte)
    }
    this.#values[node] = value
  }

  /** The node reached from `node` by `byte`, or −1. */
  next(node: number, byte: number): number {
    const edge = node * 256 + byte + 1
    const edges = this.#edges
    const mask = this.#mask
    let slot = hash(edge) & mask
    for (;;) {
      const there = edges[slot]
      if (there === edge) return this.#targets[slot] ?? -1
      if (there === 0) return -1
      slot = (slot + 1) & mask
    }
  }

  /** The value of the key that ends at `node`, or −1. */
  value(node: number): number {
    return this.#values[node] ?? -1
  }

  /** The length of the longest key that `text` has at `start`, or 0. */
  longestPrefix(text: Uint8Array, start: number, end: number): number {
    let length = 0
    for (let at = start, node = ROOT; at < end; at++) {
      node = this.next(node, text[at] ?? 0)
      if (node < 0) break
      if (this.value(node) >= 0) length = at + 1 - start
    }
    return length
  }

  #add(parent: number, byte: number): number {
    if (this.#nodes >= 2 ** 24 - 1)
      throw new TokenizerError('The vocabulary is too large', {
        expected: 'at most 16 million different prefixes',
        found: 'more',
      })
    if (this.#nodes * 2 > this.#mask) this.#grow()
    const node = this.#nodes++
    this.#insert(parent * 256 + byte + 1, node)
    return node
  }

  #insert(edge: number, target: number): void {
    let slot = hash(edge) & this.#mask
    while (this.#edges[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#edges[slot] = edge
    this.#targets[slot] = target
  }

  #grow(): void {
    const edges = this.#edges
    const targets = this.#targets
    const size = edges.length * 2
    this.#mask = size - 1
    this.#edges = new Uint32Array(size)
    this.#targets = new Int32Array(size)
    for (const [slot, edge] of edges.entries()) if (edge !== 0) this.#insert(edge, targets[slot] ?? -1)
    const values = new Int32Array(size).fill(-1)
    values.set(this.#values)
    this.#values = values
  }
}

/** Fibonacci hashing: the golden ratio spreads consecutive edges over the table. */
function hash(edge: number): number {
  return Math.imul(edge, 0x9e3779b1) >>> 8
}
