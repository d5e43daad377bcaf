import fc from 'fast-check'
import { canonicalizeText, removePunctuation } from '../../../src/tokenizer/clean/canonicalize.js'

// The expectations were computed with Python 3.11.
test.each([
  ['A photo, of 2 Cats!', 'a photo of 2 cats'],
  ['\t a\u00a0\u2003b\x1c\x85c \n', 'a b c'],
  ['a\ufeffb\u200bc', 'a\ufeffb\u200bc'],
  ['ΟΔΟΣ ΑΣ Σ', 'οδος ας σ'],
  ['İ ẞ Ǆ', 'i̇ ß ǆ'],
  ['\ua7cb\u1c89Σ', '\ua7cb\u1c89σ'],
  ['ΑΣ\ua7cb', 'ας\ua7cb'],
  ['…“x”—', '…“x”—'],
  ['!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', ''],
  ['', ''],
])('%j becomes %j', (text, expected) => {
  expect(canonicalizeText(text)).toBe(expected)
})

test('keeps case and an exact string if told to', () => {
  expect(canonicalizeText('A {} B, {c}.', { doLowerCase: false, keepPunctuationExactString: '{}' })).toBe('A {} B c')
})

test('is done after once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const once = canonicalizeText(text, { doLowerCase: false })
      expect(canonicalizeText(once, { doLowerCase: false })).toBe(once)
      expect(removePunctuation(once)).toBe(once)
    }),
  )
})
