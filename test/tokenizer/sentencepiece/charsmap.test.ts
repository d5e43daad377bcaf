import { TokenizerError } from '../../../src/errors.js'
import { CharsMap } from '../../../src/tokenizer/sentencepiece/charsmap.js'
import { parseSentencePieceModel } from '../../../src/tokenizer/sentencepiece/sentencepiece-model.js'
import { fixture } from '../reference-vectors.js'

const genuine = parseSentencePieceModel(fixture('tokenizer/spiece.model')).normalizer.precompiledCharsmap
const encoder = new TextEncoder()

function replaced(map: CharsMap, text: string, prefer: 'longest' | 'shortest'): [number, string] | undefined {
  const bytes = encoder.encode(text)
  const length = map.match(bytes, 0, bytes.length, prefer)
  if (length === 0) return undefined
  const start = map.replacementStart
  return [length, new TextDecoder().decode(map.replacements.subarray(start, map.replacements.indexOf(0, start)))]
}

test('finds the rules of nmt_nfkc', () => {
  const map = new CharsMap(genuine, 'test')
  expect(replaced(map, 'Ⅷ', 'longest')).toEqual([3, 'VIII'])
  expect(replaced(map, '\u3000x', 'longest')).toEqual([3, ' '])
  expect(replaced(map, 'e\u0301', 'longest')).toEqual([3, 'é'])
  expect(replaced(map, 'x', 'longest')).toBeUndefined()
  // ガ in half width: the mark alone is one rule, both together another.
  expect(replaced(map, 'ｶﾞ', 'longest')).toEqual([6, 'ガ'])
  expect(replaced(map, 'ｶﾞ', 'shortest')).toEqual([3, 'カ'])
})

/** Rules with one unit changed. */
function withUnit(index: number, value: number): Uint8Array {
  const copy = Uint8Array.from(genuine)
  new DataView(copy.buffer).setUint32(4 + 4 * index, value, true)
  return copy
}

test.each([
  ['nothing', new Uint8Array(0)],
  ['a trie longer than the file', genuine.subarray(0, 2000)],
  ['a trie of odd size', Uint8Array.of(1, 0, 0, 0, ...new Array<number>(2000).fill(0))],
  ['no zero byte at the end', genuine.subarray(0, -1)],
  ['an offset beyond the trie', withUnit(0, 0xfffffc00 & 0x7fffffff)],
  ['an offset beyond the replacements', withUnit(7, 0xffffffff)],
  ['a leaf without value', withUnit(0, 0x100)],
  [
    'a replacement without end',
    Uint8Array.of(0, 4, 0, 0, ...new Array<number>(1024).fill(0), ...new Array<number>(2000).fill(65), 0),
  ],
])('%s is a TokenizerError', (_, bytes) => {
  expect(() => new CharsMap(bytes, 'test')).toThrow(TokenizerError)
})
