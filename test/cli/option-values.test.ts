import { wholeNumber } from '../../src/cli/option-values.js'

describe('the parser of whole numbers', () => {
  it.each([
    ['0', 0],
    ['17', 17],
    ['2147483647', 2 ** 31 - 1],
  ])('takes %s', (text, value) => {
    expect(wholeNumber(text)).toBe(value)
  })

  it.each(['1.5', '-1', '', ' ', '1e3', '0x10', 'NaN', 'Infinity', '2147483648'])('refuses "%s"', (text) => {
    expect(() => wholeNumber(text)).toThrow(/Expected a whole number from 0 to 2147483647/)
  })
})
