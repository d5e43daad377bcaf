import fc from 'fast-check'
import { gather, isRowMajor, lastIndex, rowMajor } from '../../../converters/formats/strides.js'

const anyShape = fc.array(fc.nat(4), { maxLength: 4 })
const anyView = anyShape.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    strides: fc.array(fc.nat(6), { minLength: shape.length, maxLength: shape.length }),
  }),
)

/** Every index of a shape, last axis fastest. */
function indices(shape: readonly number[]): number[][] {
  const [first, ...rest] = shape
  if (first === undefined) return [[]]
  return Array.from({ length: first }, (_, i) => indices(rest).map((index) => [i, ...index])).flat()
}

const placeOf = (index: readonly number[], strides: readonly number[]): number =>
  index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0)

test('elements are gathered from where their strides say', () => {
  fc.assert(
    fc.property(anyView, ({ shape, strides }) => {
      const data = Float32Array.from({ length: 200 }, (_, i) => i)
      expect([...gather(data, shape, strides)]).toEqual(indices(shape).map((index) => placeOf(index, strides)))
    }),
  )
})

test('the last index is the largest', () => {
  fc.assert(
    fc.property(anyView, ({ shape, strides }) => {
      expect(lastIndex(shape, strides)).toBe(Math.max(-1, ...indices(shape).map((index) => placeOf(index, strides))))
    }),
  )
})

test('row-major strides are those that count through the elements, and are recognised', () => {
  fc.assert(
    fc.property(anyView, ({ shape, strides }) => {
      const places = indices(shape).map((index) => placeOf(index, strides))
      expect(isRowMajor(shape, strides)).toBe(places.every((place, i) => place === i))
      expect(isRowMajor(shape, rowMajor(shape))).toBe(true)
    }),
    { numRuns: 500 },
  )
})
