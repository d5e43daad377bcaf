import fc from 'fast-check'
import { nearest } from '../../../converters/formats/nearest.js'

test.each([
  ['clasify', ['classify', 'embed', 'inspect'], 'classify'],
  ['emebd', ['classify', 'embed', 'inspect'], 'embed'],
  ['layer_norm1.wieght', ['layer_norm1.bias', 'layer_norm1.weight', 'layer_norm2.weight'], 'layer_norm1.weight'],
  ['frobnicate', ['classify', 'embed', 'inspect'], undefined],
  ['', ['a'], undefined],
  ['a', [], undefined],
])('%j among %j means %j', (name, candidates, meant) => {
  expect(nearest(name, candidates)).toBe(meant)
})

test('a name itself is nearest, and one with a letter dropped, doubled or swapped is found again', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{6,12}$/), fc.nat(4), (name, i) => {
      const others = ['0123456789', '', '00000000']
      const typos = [
        name,
        name.slice(0, i) + name.slice(i + 1),
        name.slice(0, i) + name.charAt(i) + name.slice(i),
        name.slice(0, i) + name.charAt(i + 1) + name.charAt(i) + name.slice(i + 2),
      ]
      for (const typo of typos) expect(nearest(typo, [...others, name])).toBe(name)
    }),
  )
})
