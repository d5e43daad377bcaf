const FNV_PRIME = 0x01000193
const FNV_BASIS = 0x811c9dc5

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Tokens and their ids, kept as UTF-8 in typed arrays: 256,000 of them take some 10 MB, and no garbage collection. */
export class ByteVocabulary {
  /** All tokens, one after the other. */
  #text = new Uint8Array(4096)
  #textLength = 0
  /** By id, where a token starts in `#text`, where it ends (0: there is none), and its hash. */
  #starts = new Int32Array(1024)
  #ends = new Int32Array(1024)
  #hashes = new Int32Array(1024)
  /** A hash table of ids; −1 marks a free slot. */
  #slots = new Int32Array(2048).fill(-1)
  #size = 0

  /** The number of tokens. */
  get size(): number {
    return this.#size
  }

  /** Gives the token `source[start … end]` an id; the last one of a token counts. */
  set(id: number, source: Uint8Array, start: number, end: number): void {
    this.#reserve(id, end - start)
    const hash = hashBytes(FNV_BASIS, source, start, end)
    const slot = this.#slot(hash, source, start, end)
    if (this.#slots[slot] === -1) this.#size++
    this.#starts[id] = this.#textLength
    this.#text.set(source.subarray(start, end), this.#textLength)
    this.#textLength += end - start
    this.#ends[id] = this.#textLength
    this.#hashes[id] = hash
    this.#slots[slot] = id
  }

  /** The id of the token `source[start … end]`, or −1. */
  find(source: Uint8Array, start: number, end: number): number {
    return this.#slots[this.#slot(hashBytes(FNV_BASIS, source, start, end), source, start, end)] ?? -1
  }

  /** The id of a token, or −1. */
  findText(token: string): number {
    const bytes = encoder.encode(token)
    return this.find(bytes, 0, bytes.length)
  }

  /** The id of the token that two others make when written together, or −1. */
  findJoined(left: number, right: number): number {
    const leftLength = (this.#ends[left] ?? 0) - (this.#starts[left] ?? 0)
    const rightStart = this.#starts[right] ?? 0
    const length = leftLength + (this.#ends[right] ?? 0) - rightStart
    const hash = hashBytes(this.#hashes[left] ?? 0, this.#text, rightStart, this.#ends[right] ?? 0)
    for (let slot = spread(hash) & (this.#slots.length - 1); ; slot = (slot + 1) & (this.#slots.length - 1)) {
      const id = this.#slots[slot] ?? -1
      if (id === -1) return -1
      const start = this.#starts[id] ?? 0
      if (
        this.#hashes[id] === hash &&
        (this.#ends[id] ?? 0) - start === length &&
        equalBytes(this.#text, start, this.#text, this.#starts[left] ?? 0, leftLength) &&
        equalBytes(this.#text, start + leftLength, this.#text, rightStart, length - leftLength)
      )
        return id
    }
  }

  /** Whether a token begins with these bytes. */
  startsWith(id: number, bytes: Uint8Array): boolean {
    const start = this.#starts[id] ?? 0
    return (this.#ends[id] ?? 0) - start >= bytes.length && equalBytes(this.#text, start, bytes, 0, bytes.length)
  }

  /** Whether a token ends with these bytes. */
  endsWith(id: number, bytes: Uint8Array): boolean {
    const start = (this.#ends[id] ?? 0) - bytes.length
    return start >= (this.#starts[id] ?? 0) && equalBytes(this.#text, start, bytes, 0, bytes.length)
  }

  /** The token of an id, if there is one. */
  token(id: number): string | undefined {
    const end = this.#ends[id]
    return end === undefined || end === 0 ? undefined : decoder.decode(this.#text.subarray(this.#starts[id], end))
  }

  /** All tokens with their ids. */
  *entries(): Generator<readonly [string, number]> {
    for (let id = 0; id < this.#ends.length; id++) {
      const token = this.token(id)
      if (token !== undefined) yield [token, id]
    }
  }

  #slot(hash: number, source: Uint8Array, start: number, end: number): number {
    const mask = this.#slots.length - 1
    let slot = spread(hash) & mask
    for (let id = this.#slots[slot] ?? -1; id !== -1; id = this.#slots[slot] ?? -1) {
      const from = this.#starts[id] ?? 0
      const isSame = this.#hashes[id] === hash && (this.#ends[id] ?? 0) - from === end - start
      if (isSame && equalBytes(this.#text, from, source, start, end - start)) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }

  #reserve(id: number, bytes: number): void {
    if (this.#textLength + bytes > this.#text.length) {
      const larger = new Uint8Array(2 * (this.#textLength + bytes))
      larger.set(this.#text)
      this.#text = larger
    }
    if (id >= this.#starts.length) {
      const size = 2 * (id + 1)
      this.#starts = grown(this.#starts, size)
      this.#ends = grown(this.#ends, size)
      this.#hashes = grown(this.#hashes, size)
    }
    if (2 * this.#size < this.#slots.length) return
    const old = this.#slots
    this.#slots = new Int32Array(2 * old.length).fill(-1)
    for (const known of old) {
      if (known === -1) continue
      let slot = spread(this.#hashes[known] ?? 0) & (this.#slots.length - 1)
      while (this.#slots[slot] !== -1) slot = (slot + 1) & (this.#slots.length - 1)
      this.#slots[slot] = known
    }
  }
}

/** FNV-1a, which a string's beginning can be hashed once for. */
function hashBytes(hash: number, source: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (source[i] ?? 0), FNV_PRIME)
  return hash | 0
}

function spread(hash: number): number {
  return hash ^ (hash >>> 15)
}

function equalBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false
  return true
}

function grown(array: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size)
  larger.set(array)
  return larger
}
