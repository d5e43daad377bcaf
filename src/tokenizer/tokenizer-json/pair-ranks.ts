/** A table from pairs of ids to the rank of their merge, in typed arrays: half a million merges take 24 MB. */
export class PairRanks {
  readonly #mask: number
  readonly #lefts: Int32Array
  readonly #rights: Int32Array
  readonly #ranks: Int32Array

  /** @param capacity the number of pairs that will be set at most. */
  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * capacity)))
    this.#mask = size - 1
    this.#lefts = new Int32Array(size)
    this.#rights = new Int32Array(size)
    this.#ranks = new Int32Array(size).fill(-1)
  }

  set(left: number, right: number, rank: number): void {
    const slot = this.#slot(left, right)
    this.#lefts[slot] = left
    this.#rights[slot] = right
    this.#ranks[slot] = rank
  }

  /** The rank of a pair, or −1. */
  get(left: number, right: number): number {
    return this.#ranks[this.#slot(left, right)] ?? -1
  }

  /** The pair's slot, or the free one that it would get. */
  #slot(left: number, right: number): number {
    let slot = ((Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)) >>> 7) & this.#mask
    while (this.#ranks[slot] !== -1 && (this.#lefts[slot] !== left || this.#rights[slot] !== right))
      slot = (slot + 1) & this.#mask
    return slot
  }
}
