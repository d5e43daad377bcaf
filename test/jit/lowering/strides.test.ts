import fc from 'fast-check'
import {
  broadcastStrides,
  collapsed,
  denseStrides,
  fitted,
  isDense,
  type Layout,
  LoopShape,
  reshapedStrides,
} from '../../../src/jit/lowering/strides.js'

/** Where each element lies, in order. */
function places({ shape, strides }: Layout): readonly number[] {
  return shape.reduce(
    (found, size, i) => found.flatMap((place) => Array.from({ length: size }, (_, at) => place + at * strides[i]!)),
    [0],
  )
}

const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 })

/** Dense arrays with their dimensions in another order, some of them repeated. */
const layouts = sizes.chain((shape) =>
  fc
    .record({
      order: fc.shuffledSubarray(
        shape.map((_, i) => i),
        { minLength: shape.length },
      ),
      repeated: fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
    })
    .map(({ order, repeated }): Layout => {
      const strides = denseStrides(shape)
      return { shape: order.map((i) => shape[i]!), strides: order.map((i) => (repeated[i] ? 0 : strides[i]!)) }
    }),
)

it('collapses dimensions without moving an element', () => {
  fc.assert(
    fc.property(layouts, (layout) => {
      expect(places(collapsed(layout))).toEqual(places(layout))
      expect(collapsed(layout).shape.length).toBeLessThanOrEqual(layout.shape.length)
    }),
  )
})

it('reshapes without moving an element, or not at all', () => {
  const pairs = layouts.chain((layout) =>
    fc.tuple(fc.constant(layout), fc.integer({ min: 0, max: layout.shape.length }), fc.integer({ min: 1, max: 4 })),
  )
  fc.assert(
    fc.property(pairs, ([layout, cut, part]) => {
      const count = layout.shape.reduce((product, size) => product * size, 1)
      const [outer, inner] = [layout.shape.slice(0, cut), layout.shape.slice(cut)]
      const merged = [outer.reduce((product, size) => product * size, 1), ...inner]
      for (const shape of [merged, [count], ...(count % part === 0 ? [[part, count / part]] : [])]) {
        const strides = reshapedStrides(layout, shape)
        if (strides) expect(places({ shape, strides })).toEqual(places(layout))
        else expect(isDense(layout)).toBe(false)
      }
    }),
  )
})

it('makes loops in which no operand moves', () => {
  fc.assert(
    fc.property(layouts, (layout) => {
      const { shape } = layout
      const count = shape.reduce((product, size) => product * size, 1)
      const loop = new LoopShape(count, 1)
      const operands = [layout, { shape, strides: denseStrides(shape) }]
      for (const operand of operands) expect(loop.add(operand)).toBe(true)
      for (const operand of operands) expect(places(fitted(operand, loop))).toEqual(places(operand))
      expect(loop.shape.reduce((product, size) => product * size, 1)).toBe(count)
    }),
  )
})

it('refuses operands that change in the middle of a row', () => {
  const transposed = { shape: [4, 6], strides: [1, 4] }
  expect(new LoopShape(24, 1).add(transposed)).toBe(true)
  expect(new LoopShape(24, 12).add(transposed)).toBe(false)
  const loop = new LoopShape(24, 1)
  expect(loop.add(transposed)).toBe(true)
  expect(loop.add({ shape: [6, 4], strides: [1, 6] })).toBe(false)
  expect(loop.shape).toEqual([4, 6])
})

it('repeats what is broadcast', () => {
  expect(broadcastStrides({ shape: [3, 1], strides: [1, 1] }, [2, 3, 4])).toEqual([0, 1, 0])
})
