import fc from 'fast-check'
import { middleBox, randomBox } from '../../../src/image/augment/random-box.js'
import { uniformStream } from '../../../src/random.js'

const sides = fc.integer({ min: 1, max: 300 })

it('a box lies in the image and has a share and proportions of the ranges, to a pixel', () => {
  fc.assert(
    fc.property(sides, sides, fc.integer(), (width, height, seed) => {
      const box = randomBox({ width, height }, [0.2, 0.9], [0.5, 2], uniformStream(seed))
      if (!box) return
      expect(Math.min(box.top, box.left, box.height - 1, box.width - 1)).toBeGreaterThanOrEqual(0)
      expect(box.top + box.height).toBeLessThanOrEqual(height)
      expect(box.left + box.width).toBeLessThanOrEqual(width)
      expect((box.width + 0.5) * (box.height + 0.5)).toBeGreaterThanOrEqual(0.2 * width * height - 1e-9)
      expect((box.width - 0.5) * (box.height - 0.5)).toBeLessThanOrEqual(0.9 * width * height + 1e-9)
      expect((box.width + 0.5) / (box.height - 0.5)).toBeGreaterThanOrEqual(0.5 - 1e-9)
      expect((box.width - 0.5) / (box.height + 0.5)).toBeLessThanOrEqual(2 + 1e-9)
    }),
  )
})

it.each([
  [
    { width: 300, height: 100 },
    { top: 0, left: 83, height: 100, width: 133 },
  ],
  [
    { width: 100, height: 300 },
    { top: 83, left: 0, height: 133, width: 100 },
  ],
  [
    { width: 90, height: 100 },
    { top: 0, left: 0, height: 100, width: 90 },
  ],
])('where none fits, it is torchvision’s middle of %j', (size, box) => {
  expect(middleBox(size, [3 / 4, 4 / 3])).toEqual(box)
})
