import { ConfigError, InputError } from '../../src/errors.js'
import { FieldReader } from '../../src/io/field-reader.js'

const file = (source: unknown, spelling?: 'any' | 'own') => new FieldReader(source, 'config.json', spelling)

test.each<[string, (read: FieldReader) => unknown, unknown, RegExp]>([
  ['integer', (read) => read.integer('someField', 3, { min: 2, max: 9 }), 10, /a whole number from 2 to 9, found 10/],
  ['integer', (read) => read.integer('someField', 3), 1.5, /a whole number from 1 to 2147483647, found 1.5/],
  ['number', (read) => read.number('someField', 3, { min: 0 }), -1, /a number from 0, found -1/],
  ['number', (read) => read.number('someField', 3), NaN, /a number, found NaN/],
  ['boolean', (read) => read.boolean('someField', true), 'yes', /true or false, found "yes"/],
  ['string', (read) => read.string('someField', ''), 7, /a string, found 7/],
  ['one of some', (read) => read.oneOf('someField', ['a', 'b'], 'a'), 'c', /one of a, b, found "c"/],
  ['object', (read) => read.object('someField'), [1], /an object, found \[1\]/],
  ['record', (read) => read.record('someField', () => undefined, 'names'), { x: 1 }, /names, found 1/],
])('a wrong %s is an error of the field, in the spelling of the source', (_, get, value, message) => {
  expect(() => get(file({ some_field: value }))).toThrow(ConfigError)
  expect(() => get(file({ some_field: value }))).toThrow(message)
  expect(() => get(file({ some_field: value }))).toThrow(/^Invalid some_field: .*\(config\.json\)$/)
  expect(() => get(new FieldReader({ someField: value }))).toThrow(InputError)
  expect(() => get(new FieldReader({ someField: value }))).toThrow(/^Invalid someField: [^(]*$/)
  expect(() => get(file({ some_field: null }))).not.toThrow()
  expect(() => get(file({}))).not.toThrow()
})

test('keys are read in either spelling, or only in that of the source', () => {
  expect(file({ someField: 1 }).integer('someField', 0)).toBe(1)
  expect(file({ some_field: 1 }).integer('someField', 0)).toBe(1)
  expect(file({ someField: 'x' }, 'own').integer('someField', 0)).toBe(0)
  expect(new FieldReader({ some_field: 'x' }, undefined, 'own').integer('someField', 0)).toBe(0)
})

test('what is not read stays, also inside extra', () => {
  const read = file({ some_field: 1, other_field: 2, extra: { third_field: 3 } })
  expect(read.integer('someField', 0)).toBe(1)
  expect(read.rest()).toEqual({ other_field: 2, third_field: 3 })
  expect(() => file({ big: 1n }).rest()).toThrow(/Invalid big: expected a JSON value, found bigint/)
})

test.each([undefined, null, 3, 'x', [1]])('%p holds no fields', (source) => {
  expect(() => file(source)).toThrow(/^Invalid configuration: expected an object/)
  expect(() => new FieldReader(source)).toThrow(/^Invalid options: expected an object/)
})
