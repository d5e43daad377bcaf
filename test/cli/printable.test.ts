import fc from 'fast-check'
import { NonFiniteError } from '../../src/errors.js'
import { jsonLine, printable } from '../../src/cli/printable.js'

const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) })

describe('printable', () => {
  it('leaves nothing that steers a terminal', () => {
    fc.assert(fc.property(anyText, (text) => !/[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/u.test(printable(text))))
  })

  it('leaves what can be seen as it is', () => {
    expect(printable('zwei Katzen – 猫 👩‍🚀 قطة')).toBe('zwei Katzen – 猫 👩‍🚀 قطة')
    expect(printable('a\u001b[31m\n\u202eb')).toBe('a\\u001b[31m\\u000a\\u202eb')
  })
})

describe('jsonLine', () => {
  it('is one line without controls that says the same as JSON.stringify', () => {
    fc.assert(
      fc.property(fc.record({ text: anyText, list: fc.array(anyText) }), (value) => {
        const line = jsonLine(value)
        expect(line).not.toMatch(/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u)
        expect(JSON.parse(line)).toEqual(value)
      }),
    )
  })

  it.each([NaN, Infinity, -Infinity])('does not write %s as null', (value) => {
    expect(() => jsonLine({ list: [1, value] })).toThrow(NonFiniteError)
  })
})
