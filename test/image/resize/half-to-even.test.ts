import { halfToEven } from '../../../src/image/resize/half-to-even.js'

it.each([
  [0.5, 0],
  [1.5, 2],
  [2.5, 2],
  [3.5, 4],
  [2.4999, 2],
  [2.5001, 3],
  [7, 7],
])('rounds %d to %d, as Python does', (value, rounded) => {
  expect(halfToEven(value)).toBe(rounded)
})
