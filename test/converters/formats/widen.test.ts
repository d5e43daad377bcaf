import fc from 'fast-check'
import { readRange } from '../../../src/io/byte-source.js'
import { dtypeBits } from '../../../converters/formats/dtypes.js'
import { toFloat32 } from '../../../converters/formats/float-conversion.js'
import { widen } from '../../../converters/formats/widen.js'

const bitsOf = (floats: Float32Array): Buffer => Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength)

test('elements widened in their own memory are those widened into another', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('F32', 'F16', 'BF16', 'F8_E4M3', 'I32', 'I16', 'U8', 'BOOL'),
      fc.oneof(fc.nat(9), fc.integer({ min: 2 ** 16 - 2, max: 2 ** 16 + 2 }), fc.nat(3 * 2 ** 16)),
      fc.nat(),
      fc.boolean(),
      async (dtype, count, seed, leavesRoom) => {
        const length = (count * dtypeBits[dtype]) / 8
        const codes = Uint8Array.from({ length }, (_, i) => (i * 2654435761 + seed) >>> 11)
        const source = {
          size: length,
          read: (start: number, end: number, room = 0) => {
            const bytes = new Uint8Array(leavesRoom ? room : end - start)
            bytes.set(codes.subarray(start, end), bytes.length - (end - start))
            return Promise.resolve(bytes.subarray(bytes.length - (end - start)))
          },
        }
        const floats = widen(dtype, await readRange(source, 0, length, 4 * count))
        expect(bitsOf(floats).equals(bitsOf(toFloat32(dtype, codes)))).toBe(true)
        expect([floats.byteOffset, floats.buffer.byteLength]).toEqual([0, 4 * count])
      },
    ),
    { numRuns: 60 },
  )
})
