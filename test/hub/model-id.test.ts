import { isModelId } from '../../src/hub/model-id.js'

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
