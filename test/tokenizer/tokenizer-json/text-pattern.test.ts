import { readFileSync } from 'node:fs'
import { TokenizerError } from '../../../src/errors.js'
import { parseTextPattern, replaceMatches } from '../../../src/tokenizer/tokenizer-json/text-pattern.js'

interface Regexes {
  readonly texts: readonly string[]
  readonly supported: readonly { readonly pattern: string; readonly replaced: readonly string[] }[]
  readonly unsupported: readonly string[]
}

const regexes = JSON.parse(readFileSync('test/fixtures/tokenizer-more/regexes.json', 'utf8')) as Regexes
const parse = (pattern: string) => parseTextPattern({ Regex: pattern }, 'pattern of tokenizer.json')

test.each(regexes.supported)('$pattern matches what it does in the tokenizers library', ({ pattern, replaced }) => {
  const find = parse(pattern)
  expect(regexes.texts.map((text) => replaceMatches(text, find(text), '§'))).toEqual(replaced)
})

test.each(regexes.unsupported)('%s is a TokenizerError that names it', (pattern) => {
  expect(() => parse(pattern)).toThrow(TokenizerError)
  expect(() => parse(pattern)).toThrow(pattern)
})

test.each(['\\s+$', '^\\s+', '\\s+\\z', '^\\s+$', '\\s{3,}$'])('%s takes no quadratic time', (pattern) => {
  const find = parse(pattern)
  // A jest timeout would be the failure.
  for (const unit of [' ', '\n', ' \n', '\n b']) expect(find(`a${unit.repeat(200_000)}b`)).toBeInstanceOf(Array)
})

test('a pattern that is damaged takes no exponential time', () => {
  expect(() => parse(`[${'\\x41'.repeat(100)}`)).toThrow(TokenizerError)
})
