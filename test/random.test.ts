import { normalStream, seedOf, uniformStream } from '../src/random.js'

const draw = (stream: () => number, count = 100_000) => Array.from({ length: count }, stream)
const moment = (values: number[], power: number) => values.reduce((sum, x) => sum + x ** power, 0) / values.length

describe.each([
  ['uniform', uniformStream],
  ['normal', normalStream],
])('%s numbers', (_, stream) => {
  it('are the same from the same seed only', () => {
    expect(draw(stream(7), 3000)).toEqual(draw(stream(7), 3000))
    const [a, b] = [draw(stream(7), 3000), draw(stream(8), 3000)]
    expect(a.filter((x, i) => x === b[i])).toEqual([])
  })

  it('do not come again in the next block', () => {
    const values = draw(stream(7), 5000)
    expect(new Set(values).size).toBe(5000)
  })
})

it('uniform numbers lie evenly in [0, 1)', () => {
  const values = draw(uniformStream(1))
  expect(values.every((x) => x >= 0 && x < 1)).toBe(true)
  const tenths = Array.from({ length: 10 }, (_, i) => values.filter((x) => Math.floor(x * 10) === i).length)
  for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500)
})

it('normal numbers have the moments of the normal distribution', () => {
  const values = draw(normalStream(1))
  expect(Math.abs(moment(values, 1))).toBeLessThan(0.016)
  expect(Math.abs(moment(values, 2) - 1)).toBeLessThan(0.023)
  expect(Math.abs(moment(values, 3))).toBeLessThan(0.062)
  expect(Math.abs(moment(values, 4) - 3)).toBeLessThan(0.16)
})

it('seeds of names differ by name and by seed', () => {
  const seeds = [0, 1, 2].flatMap((seed) => ['a', 'b', 'layers.0', 'layers.1'].map((name) => seedOf(seed, name)))
  expect(new Set(seeds).size).toBe(12)
})
