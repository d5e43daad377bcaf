import { parsePreTokenizer } from '../../../src/tokenizer/tokenizer-json/json-pre-tokenizer.js'

// Expected parts are those of the tokenizers library.

const partsOf = (json: object, text: string) =>
  parsePreTokenizer(json)([{ text, isFirst: true }]).map((part) => part.text)

const texts = ['  a  bc d ', 'abc', '  ', 'a b']
const each = [['  ', 'a', '  ', 'bc', ' ', 'd', ' '], ['abc'], ['  '], ['a', ' ', 'b']]
const single = [[' ', ' ', 'a', ' ', ' ', 'bc', ' ', 'd', ' '], ['abc'], [' ', ' '], ['a', ' ', 'b']]
const before = [[' ', ' a', ' ', ' bc', ' d', ' '], ['abc'], [' ', ' '], ['a', ' b']]
const behind = [[' ', ' ', 'a ', ' ', 'bc ', 'd '], ['abc'], [' ', ' '], ['a ', 'b']]

test.each([
  ['Removed', false, [['a', 'bc', 'd'], ['abc'], [], ['a', 'b']]],
  ['Removed', true, [[' ', ' ', ' ', ' ', ' ', ' '], [], [' ', ' '], [' ']]],
  ['Isolated', false, single],
  ['Isolated', true, single],
  ['MergedWithPrevious', false, behind],
  ['MergedWithPrevious', true, before],
  ['MergedWithNext', false, before],
  ['MergedWithNext', true, behind],
  ['Contiguous', false, each],
  ['Contiguous', true, each],
])('Split at spaces, %s, inverted: %s', (behavior, invert, expected) => {
  const json = { type: 'Split', pattern: { String: ' ' }, behavior, invert }
  expect(texts.map((text) => partsOf(json, text))).toEqual(expected)
})

test.each([
  [{ type: 'WhitespaceSplit' }, [['cat'], ['▁cat', 'dog'], ['cat', 'dog']]],
  [
    { type: 'Split', pattern: { String: ' ' }, behavior: 'Isolated', invert: false },
    [
      ['▁', 'cat', '▁'],
      ['▁cat', '▁', 'dog'],
      ['▁', 'cat', '▁', 'dog'],
    ],
  ],
])('Metaspace behind %j marks what stands at the start of the text', (first, expected) => {
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true }
  const json = { type: 'Sequence', pretokenizers: [first, metaspace] }
  expect([' cat ', 'cat dog', ' cat dog'].map((text) => partsOf(json, text))).toEqual(expected)
})
