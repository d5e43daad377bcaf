import { affine } from '../../../src/image/augment/affine.js'
import { difference, torchvisionCase } from '../torchvision-cases.js'

const still = { degrees: 0, translate: [0, 0], scale: 1, shear: 0 } as const

it.each([
  ['turned', { ...still, degrees: 20 }],
  ['moved', { ...still, translate: [3.5, -2.25] as const }],
  ['resized', { ...still, scale: 1.6 }],
  ['slanted', { ...still, shear: 15 }],
  ['all', { degrees: -33, translate: [4, 1] as const, scale: 0.7, shear: -10 }],
])('an image %s is torchvision’s, but for roundings', (name, placement) => {
  const { colours } = affine({ colours: torchvisionCase('image') }, placement)
  const { most, share } = difference(colours, torchvisionCase(`affine.${name}`))
  expect(most).toBeLessThanOrEqual(1)
  expect(share).toBeLessThan(0.02) // halves, which its single precision puts to either side
})

it('what an image covers moves along with its colours', () => {
  const { width, height, data } = torchvisionCase('saturation.0.0')
  const greys = data.filter((_, at) => at % 3 === 0)
  const { colours, coverage } = affine(
    { colours: { width, height, data }, coverage: greys },
    { ...still, degrees: 20, scale: 0.8 },
  )
  expect(coverage).toEqual(colours.data.filter((_, at) => at % 3 === 0))
})

it('an image that is left where it is stays the same, and covers everything', () => {
  const colours = torchvisionCase('image')
  const kept = affine({ colours }, still)
  expect(kept.colours).toEqual(colours)
  expect(kept.coverage.every((covered) => covered === 255)).toBe(true)
})
