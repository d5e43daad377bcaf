import fc from 'fast-check'
import { shortestFloat32 } from '../../src/cli/shortest-float32.js'

describe('shortestFloat32', () => {
  it('rounds back to the float32 it came from', () => {
    fc.assert(fc.property(fc.float({ noNaN: true }), (value) => Math.fround(shortestFloat32(value)) === value))
    expect(shortestFloat32(NaN)).toBe(NaN)
  })

  it('has no more digits than needed', () => {
    const values = [0.1, 1 / 3, 16777216, 1e-45, -0.5, 1.1754944e-38]
    expect(values.map((value) => shortestFloat32(Math.fround(value)))).toEqual([
      0.1, 0.33333334, 16777216, 1e-45, -0.5, 1.1754944e-38,
    ])
  })
})
