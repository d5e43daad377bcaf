import {
  adjustBrightness,
  adjustContrast,
  adjustSaturation,
  turnHue,
} from '../../../src/image/augment/adjust-colour.js'
import { casesOf, difference, torchvisionCase } from '../torchvision-cases.js'

const adjusters = { brightness: adjustBrightness, contrast: adjustContrast, saturation: adjustSaturation }
const isAdjuster = (name: string): name is keyof typeof adjusters => name in adjusters

it.each(['brightness.', 'contrast.', 'saturation.'].flatMap(casesOf))('%s is torchvision’s to the bit', (name) => {
  const [kind = '', ...factor] = name.split('.')
  if (!isAdjuster(kind)) throw new Error(kind)
  const { colours } = adjusters[kind]({ colours: torchvisionCase('image') }, Number(factor.join('.')))
  expect(difference(colours, torchvisionCase(name))).toEqual({ most: 0, share: 0 })
})

it('what covers in part stays within what it covers', () => {
  const colours = { width: 2, height: 1, data: Uint8Array.of(100, 50, 0, 0, 0, 0) }
  const coverage = Uint8Array.of(100, 0)
  for (const adjust of [adjustBrightness, adjustContrast, adjustSaturation]) {
    const { data } = adjust({ colours, coverage }, 2).colours
    expect([...data].every((sample, i) => sample <= (coverage[Math.floor(i / 3)] ?? 0))).toBe(true)
  }
  expect([...adjustBrightness({ colours, coverage }, 2).colours.data]).toEqual([100, 100, 0, 0, 0, 0])
})

it('a third of a turn makes red green, and greys stay', () => {
  const colours = { width: 2, height: 1, data: Uint8Array.of(200, 10, 10, 77, 77, 77) }
  expect([...turnHue({ colours }, 120).colours.data]).toEqual([10, 200, 10, 77, 77, 77])
})
