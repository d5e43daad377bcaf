import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import wabt from 'wabt'
import { scalarColumns, scalarRows } from '../../../src/image/resize/convolve.js'
import { simdConvolve } from '../../../src/image/resize/convolve-simd.js'
import { CONVOLVE_WASM } from '../../../src/image/resize/convolve-wasm.js'
import { Resampling, kernels } from '../../../src/image/resize/resampling.js'
import { pillowPrecision, resamplingWeights, torchPrecision } from '../../../src/image/resize/resampling-weights.js'

const side = fc.integer({ min: 1, max: 60 })
const image = fc
  .tuple(side, side)
  .chain(([width, height]) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data) => ({ width, height, data })),
  )
const filter = fc.constantFrom(Resampling.BICUBIC, Resampling.LANCZOS, Resampling.BILINEAR, Resampling.BOX)
const precision = fc.constantFrom(pillowPrecision, torchPrecision)

describe('the passes on vectors', () => {
  it('are what convolve.wat says', async () => {
    const source = readFileSync('src/image/convolve.wat', 'utf8')
    const assembled = (await wabt()).parseWat('convolve.wat', source, { simd: true }).toBinary({}).buffer
    expect(CONVOLVE_WASM).toBe(Buffer.from(assembled).toString('base64'))
  })

  it('give the bytes of the scalar ones, along the rows', () => {
    fc.assert(
      fc.property(image, side, filter, precision, fc.nat(), ({ width, height, data }, to, kernel, bits, skip) => {
        const weights = resamplingWeights(kernels[kernel], width, to, bits)
        const first = skip % height
        expect(simdConvolve()?.rows(data, width, first, height - first, weights)).toEqual(
          scalarRows(data, width, first, height - first, weights),
        )
      }),
    )
  })

  it('give the bytes of the scalar ones, along the columns; rows shorter than a vector are left to those', () => {
    fc.assert(
      fc.property(image, side, filter, precision, ({ width, height, data }, to, kernel, bits) => {
        const weights = resamplingWeights(kernels[kernel], height, to, bits)
        const expected = width < 6 ? undefined : scalarColumns(data, width, 0, weights)
        expect(simdConvolve()?.columns(data, width, 0, weights)).toEqual(expected)
      }),
    )
  })

  it('leave an image to the scalar ones that is larger than their memory', () => {
    const weights = resamplingWeights(kernels[Resampling.BOX], 6000, 3000, pillowPrecision)
    expect(simdConvolve()?.rows(new Uint8Array(6000 * 4000 * 3), 6000, 0, 4000, weights)).toBeUndefined()
  })
})
