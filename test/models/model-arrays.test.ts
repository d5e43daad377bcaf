import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'
import { InputError } from '../../src/errors.js'
import { stacked, takeRows } from '../../src/models/model-arrays.js'
import { useBackend } from '../../src/backend/backend-node.js'

describe('stacked', () => {
  it('keeps every row in its place, and the type of its numbers', () => {
    const rows = fc.array(fc.tuple(fc.float({ noNaN: true }), fc.float({ noNaN: true })), { minLength: 1 })
    fc.assert(
      fc.property(rows, (pairs) => {
        const batch = stacked(
          pairs.map((pair, i) => ({
            pixelValues: { data: Float32Array.from(pair), shape: [1, 2] },
            spatialShapes: { data: Int32Array.of(i), shape: [1, 1] },
          })),
        )
        expect(batch.pixelValues).toEqual({ data: Float32Array.from(pairs.flat()), shape: [pairs.length, 2] })
        expect(batch.spatialShapes).toEqual({ data: Int32Array.from(pairs.keys()), shape: [pairs.length, 1] })
      }),
    )
  })

  it('refuses inputs of different sizes', () => {
    const input = (width: number) => ({ pixelValues: { data: new Float32Array(width), shape: [1, width] } })
    expect(() => stacked([input(2), input(3)])).toThrow(InputError)
    expect(() => stacked([input(2), input(3)])).toThrow(/expected 2, found 3 \(pixelValues\)/)
  })
})

describe('takeRows', () => {
  beforeAll(() => useBackend('wasm', { quiet: true }))

  it('gives each row memory of its own, and leaves no tensor', async () => {
    const before = tf.memory().numTensors
    const rows = await takeRows(tf.tidy(() => tf.range(0, 12).reshape([2, 3, 2])))
    expect(rows.map(({ data, shape }) => [[...data], shape])).toEqual([
      [
        [0, 1, 2, 3, 4, 5],
        [1, 3, 2],
      ],
      [
        [6, 7, 8, 9, 10, 11],
        [1, 3, 2],
      ],
    ])
    expect(rows[0]?.data.buffer.byteLength).toBe(24)
    expect(tf.memory().numTensors).toBe(before)
  })
})
