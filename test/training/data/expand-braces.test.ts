import { InputError } from '../../../src/errors.js'
import { expandBraces } from '../../../src/training/data/expand-braces.js'

it.each([
  ['a.tar', ['a.tar']],
  ['a-{008..011}.tar', ['a-008.tar', 'a-009.tar', 'a-010.tar', 'a-011.tar']],
  ['{2..0}', ['2', '1', '0']],
  ['{a,b}-{1..2}', ['a-1', 'a-2', 'b-1', 'b-2']],
  ['{a}', ['{a}']],
])('%s', (pattern, names) => {
  expect(expandBraces(pattern)).toEqual(names)
})

it.each(['{0..99999999}', '{0..1e9}{0..999}{0..999}{0..999}', `{0..${'9'.repeat(400)}}`])(
  'refuses %s or leaves it',
  (pattern) => {
    let found: readonly string[] = []
    try {
      found = expandBraces(pattern)
    } catch (error) {
      expect(error).toBeInstanceOf(InputError)
    }
    expect(found.length).toBeLessThanOrEqual(1)
  },
)
