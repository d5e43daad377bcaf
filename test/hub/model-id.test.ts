import { InputError } from '../../src/errors.js'
import { isModelId, modelAt, revisionOf } from '../../src/hub/model-id.js'

test.each(['foo', 'foo/bar', '123', 'Foo-BAR_foo.bar123', 'google/siglip-base-patch16-224'])('%s is a name', (text) => {
  expect(isModelId(text)).toBe(true)
})

test.each([
  '',
  '.repo',
  'foo--bar',
  'foo.git',
  'a/b/c',
  '/a',
  'a/',
  './a',
  'a..b',
  '-a',
  'a b',
  'a'.repeat(97),
  'model.safetensors',
])('%j is none', (text) => {
  expect(isModelId(text)).toBe(false)
})

test.each([
  ['owner/name@v2', { model: 'owner/name', revision: 'v2' }],
  ['name@refs/pr/1', { model: 'name', revision: 'refs/pr/1' }],
  ['owner/name@feature/a.b', { model: 'owner/name', revision: 'feature/a.b' }],
])('%s is a name with a revision', (text, expected) => {
  expect(modelAt(text)).toEqual(expected)
})

test.each(['owner/name', 'owner/name@', '@v2', 'a/b/c@v2', 'owner/name@../x', 'user@host:x', './a@v2', 'a@b@c'])(
  '%s is none',
  (text) => {
    expect(modelAt(text)).toBeUndefined()
  },
)

test('a name and an option that disagree are refused', () => {
  expect(revisionOf(undefined, undefined)).toBe('main')
  expect(revisionOf(undefined, 'v2')).toBe('v2')
  expect(revisionOf(modelAt('a/b@v2'), undefined)).toBe('v2')
  expect(revisionOf(modelAt('a/b@v2'), 'v2')).toBe('v2')
  expect(() => revisionOf(modelAt('a/b@v2'), 'v3')).toThrow(InputError)
})
