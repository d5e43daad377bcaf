import { InputError } from '../../../src/errors.js'
import { augment } from '../../../src/image/augment/augment.js'
import { checkAugmentation, type Augmentation } from '../../../src/image/augment/augmentation.js'
import { resize } from '../../../src/image/resize/resize.js'
import { torchvisionCase } from '../torchvision-cases.js'

const image = torchvisionCase('image')
const everything: Augmentation = {
  crop: {},
  flip: 0.5,
  affine: { degrees: 10, translate: 0.1, scale: [0.8, 1.2], shear: 5 },
  colour: { brightness: 0.3, contrast: 0.3, saturation: 0.5, hue: 15, grey: 0.1 },
  background: 0.5,
  erasing: { probability: 0.5 },
}
const seeds = Array.from({ length: 40 }, (_, i) => i * 7919)

it('without settings it is the image; with all, each seed gives its own, the same every time', () => {
  expect(augment(image, {}, 1)).toEqual(image)
  const all = seeds.map((seed) => augment(image, everything, seed, { width: 16, height: 12 }))
  for (const { width, height, data } of all) expect([width, height, data.length]).toEqual([16, 12, 576])
  expect(new Set(all.map(({ data }) => data.join())).size).toBe(seeds.length)
  expect(seeds.map((seed) => augment(image, everything, seed, { width: 16, height: 12 }))).toEqual(all)
})

it('what one part draws does not depend on the others', () => {
  const target = { width: 16, height: 12 }
  for (const seed of seeds) {
    const part = augment(image, { crop: {} }, seed, target)
    expect(augment(image, { crop: {}, flip: 0, colour: {}, erasing: { probability: 0 } }, seed, target)).toEqual(part)
  }
})

it('crops and resizes as the image processor resizes', () => {
  const target = { width: 16, height: 12 }
  expect(augment(image, { crop: { scale: [1, 1], ratio: [4 / 3, 4 / 3] } }, 3, target)).toEqual(resize(image, target))
})

it('half of the images are flipped, and back again they are the image', () => {
  const flipped = seeds.filter((seed) => String(augment(image, { flip: 0.5 }, seed).data) !== String(image.data))
  expect(flipped.length).toBeGreaterThan(10)
  expect(flipped.length).toBeLessThan(30)
  expect(augment(augment(image, { flip: 1 }, 1), { flip: 1 }, 1)).toEqual(image)
})

it('what is transparent shows the background, in full or in part', () => {
  const pixels = { width: 2, height: 1, channels: 4, data: Uint8Array.of(9, 9, 9, 0, 255, 0, 0, 51) }
  expect([...augment(pixels, {}, 1).data]).toEqual([255, 255, 255, 255, 204, 204])
  const backgrounds = seeds.map((seed) => [...augment(pixels, { background: 1 }, seed).data.subarray(0, 3)])
  expect(new Set(backgrounds.map(String)).size).toBe(seeds.length)
  expect(Math.min(...backgrounds.flat())).toBeGreaterThanOrEqual(127)
})

it('grey has no colours, and white stays white on white', () => {
  const { data } = augment(image, { colour: { grey: 1 } }, 1)
  for (let at = 0; at < data.length; at += 3) expect([data[at + 1], data[at + 2]]).toEqual([data[at], data[at]])
  const nothing = { width: 1, height: 1, channels: 4, data: new Uint8Array(4) }
  const colour = { brightness: 0.9, contrast: 0.9, saturation: 0.9, hue: 90 }
  for (const seed of seeds) expect([...augment(nothing, { colour }, seed).data]).toEqual([255, 255, 255])
})

it('erases a rectangle of one colour, of a share of the area', () => {
  for (const seed of seeds) {
    const { data } = augment(image, { erasing: { probability: 1, scale: [0.1, 0.2] } }, seed)
    const changed = data.filter((sample, i) => sample !== image.data[i]).length / data.length
    expect(changed).toBeGreaterThan(0.05)
    expect(changed).toBeLessThan(0.22)
  }
})

it.each<Augmentation>([
  { flip: 2 },
  { crop: { scale: [0.5, 0.1] } },
  { crop: { ratio: [0, 1] } },
  { affine: { scale: [0, 1] } },
  { affine: { shear: 90 } },
  { colour: { brightness: NaN } },
  { erasing: { probability: -1 } },
])('refuses %j', (augmentation) => {
  expect(() => checkAugmentation(augmentation)).toThrow(InputError)
})
