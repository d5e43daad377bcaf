import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { PickleFunction, readPickle, type PickleWorld } from '../../../converters/formats/pickle.js'
import { FormatError } from '../../../src/errors.js'

const world: PickleWorld = {
  where: 'x.pkl',
  find: (module, name) =>
    `${module}.${name}` === 'collections.OrderedDict' ? new PickleFunction(() => new Map()) : undefined,
  load: (id) => id,
}
const fixture = (protocol: number): Buffer => readFileSync(`test/fixtures/converters/values-${protocol}.pkl`)
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

test.each([2, 3, 4, 5])('values that Python wrote in protocol %i are read', (protocol) => {
  const file = fixture(protocol)
  const read = readPickle(file, 0, world)
  expect(read?.end).toBe(file.length)
  const expected = new Map<unknown, unknown>([
    ['numbers', [1, -2, 300, 70000, -(2 ** 31), 2 ** 31, -(2 ** 52), 2n ** 70n, -(2n ** 70n), true, false, null, 1.5]],
    ['tuples', [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]],
    ['text', 'é🐈'],
    ['long', 'x'.repeat(300)],
    ['ordered', new Map([['x', 1]])],
    ['nested', new Map([['k', new Map([['k', []]])]])],
    [7, 'number'],
    ['shared', [[1], [1]]],
  ])
  if (protocol > 3) expected.set('set', new Set([1, 2])).set('bytes', Uint8Array.of(0, 255))
  expect(read?.value).toEqual(expected)
  const shared: unknown = read?.value instanceof Map ? read.value.get('shared') : undefined
  expect(Array.isArray(shared) && shared[0] === shared[1]).toBe(true)
})

test('one that begins in the middle is read from there, and one that ends too early is not', () => {
  const file = fixture(2)
  expect(readPickle(Buffer.concat([bytes('xyz'), file]), 3, world)?.end).toBe(file.length + 3)
  for (let size = 0; size < file.length; size++) expect(readPickle(file.subarray(0, size), 0, world)).toBeUndefined()
})

test('persistent ids are looked up in the world', () => {
  const named: PickleWorld = { ...world, load: (id) => `loaded ${String(id)}` }
  expect(readPickle(bytes('\x80\x02K\x07Q.'), 0, named)?.value).toBe('loaded 7')
})

test.each<[string, string, RegExp]>([
  ['a name that is not allowed', '\x80\x02cos\nsystem\n.', /asks for something.*os\.system.*It is not run/],
  ['such a name on the stack', '\x80\x04\x8c\x02os\x8c\x06system\x93.', /os\.system/],
  ['a name of the language', '\x80\x02c__proto__\nconstructor\n.', /__proto__\.constructor/],
  ['a call of a text', '\x80\x02X\x01\0\0\0a)R.', /call of something that is not a function/],
  ['an unknown instruction', '\x80\x02\xff.', /the instruction/],
  ['an instruction of protocol 0', 'I1\n.', /the instruction "I"/],
  ['nothing on the stack', '\x80\x02.', /empty stack/],
  ['a tuple of nothing', '\x80\x02\x86.', /empty stack/],
  ['a list without its mark', '\x80\x02]e.', /no mark/],
  ['items for a number', '\x80\x02K\x01(K\x01e.', /item for no list/],
  ['entries for a list', '\x80\x02](K\x01K\x01u.', /entry for no dictionary/],
  ['a key without a value', '\x80\x02}(K\x01u.', /key without a value/],
  ['something never made', '\x80\x02h\x05.', /nothing under number 5/],
  ['a number of 16 million digits', '\x80\x02\x8b\0\0\0\x01.', /number of 16777216 bytes/],
])('%s is refused', (_, text, message) => {
  expect(() => readPickle(bytes(text), 0, world)).toThrow(FormatError)
  expect(() => readPickle(bytes(text), 0, world)).toThrow(message)
})

test('memory is not taken for more containers than a checkpoint has', () => {
  for (const instruction of [']', '}', '(', ')', '\x8f', '20\x85']) {
    const many = bytes(`\x80\x02K\x01${instruction.repeat(400_000)}.`)
    expect(() => readPickle(many, 0, world)).toThrow(/more than 300000 lists and dictionaries/)
  }
})

test('a pickle that holds itself is read', () => {
  const list = readPickle(bytes('\x80\x02]q\0h\0a.'), 0, world)?.value
  expect(Array.isArray(list) && list[0] === list).toBe(true)
})

test('any bytes are read, refused as a broken format, or wait for more', () => {
  const instructions = fc
    .constantFrom(...Array.from('N\x88\x89KMJGXU()]}\x8ftldaesu\x9001 2qr\x94hjcRQb.\x81\x85\x86\x87\x93'))
    .map((c) => bytes(c))
  const program = fc.array(fc.oneof({ weight: 4, arbitrary: instructions }, fc.uint8Array({ maxLength: 3 })), {
    maxLength: 40,
  })
  fc.assert(
    fc.property(program, (parts) => {
      try {
        const read = readPickle(Buffer.concat([bytes('\x80\x02'), ...parts]), 0, world)
        if (read) expect(read.end).toBeGreaterThan(2)
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError)
      }
    }),
    { numRuns: 3000 },
  )
})
