import { TokenizerError } from '../../errors.js'

/** No genuine rule writes more than 33 bytes (U+FDFA under NFKC); a file must not make texts grow without bound. */
const MAX_REPLACEMENT_BYTES = 1024

/**
 * SentencePiece's compiled normalization rules: a double-array trie (darts-clone) from UTF-8 strings to offsets in a blob of
 * null-terminated replacements. The rules of `nmt_nfkc` are NFKC plus the handling of control characters and spaces.
 *
 * Layout: uint32 size of the trie in bytes, the trie's uint32 units, the blob. Source: `normalizer.cc` of SentencePiece and
 * `darts.h`.
 */
export class CharsMap {
  /** The replacements, each ended by a zero byte. */
  readonly replacements: Uint8Array
  /** Where in `replacements` the text of the rule found by the last `match` starts. */
  replacementStart = 0
  readonly #units: Uint32Array

  /**
   * Reads and checks the rules: afterwards no lookup can leave the trie or the blob.
   *
   * @param where the file's name, for messages.
   * @throws TokenizerError if an offset points outside, or the sizes contradict each other.
   */
  constructor(bytes: Uint8Array, where: string) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const trieBytes = bytes.length > 4 ? view.getUint32(0, true) : 0
    // darts-clone allocates blocks of 256 units, and a child differs from its parent's offset in the lowest 8 bits only.
    if (trieBytes === 0 || trieBytes % 1024 !== 0 || trieBytes >= bytes.length - 4)
      throw damaged(where, 'a trie of whole kilobytes and replacements', `${trieBytes} of ${bytes.length} bytes`)
    const units = new Uint32Array(trieBytes / 4)
    for (let i = 0; i < units.length; i++) units[i] = view.getUint32(4 + 4 * i, true)
    this.#units = units
    this.replacements = bytes.subarray(4 + trieBytes)

    if (this.replacements.at(-1) !== 0) throw damaged(where, 'replacements ending with a zero byte', 'another byte')
    for (let i = 0, start = 0; i < this.replacements.length; i++) {
      if (this.replacements[i] !== 0) continue
      if (i - start > MAX_REPLACEMENT_BYTES)
        throw damaged(where, `replacements of at most ${MAX_REPLACEMENT_BYTES} bytes`, `one of ${i - start}`)
      start = i + 1
    }
    for (const [i, unit] of units.entries()) {
      if (isValue(unit)) {
        if ((unit & 0x7fffffff) >= this.replacements.length)
          throw damaged(where, 'an offset inside the replacements', `unit ${i}`)
      } else {
        const children = i ^ offsetOf(unit)
        if (children >= units.length) throw damaged(where, 'an offset inside the trie', `unit ${i}`)
        if (hasLeaf(unit) && !isValue(units[children] ?? 0)) throw damaged(where, 'a value at the leaf', `unit ${i}`)
      }
    }
  }

  /**
   * Looks for the rule that applies at `start`: SentencePiece takes the longest, the `tokenizers` library the shortest.
   * What the rule writes then starts at `replacementStart`.
   *
   * @returns the length in bytes of what the rule replaces; 0 if none applies.
   */
  match(text: Uint8Array, start: number, end: number, prefer: 'longest' | 'shortest'): number {
    const units = this.#units
    let length = 0
    let node = offsetOf(units[0] ?? 0)
    for (let at = start; at < end; at++) {
      const byte = text[at] ?? 0
      node ^= byte
      const unit = units[node] ?? 0
      if ((unit & 0x800000ff) !== byte) break
      node ^= offsetOf(unit)
      if (!hasLeaf(unit)) continue
      length = at + 1 - start
      this.replacementStart = (units[node] ?? 0) & 0x7fffffff
      if (prefer === 'shortest') break
    }
    return length
  }
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6)
}

function hasLeaf(unit: number): boolean {
  return (unit & 0x100) !== 0
}

function isValue(unit: number): boolean {
  return unit >>> 31 === 1
}

function damaged(where: string, expected: string, found: string): TokenizerError {
  const hint = 'The file is damaged: download it again.'
  return new TokenizerError('The normalization rules are damaged', { expected, found, where, hint })
}
