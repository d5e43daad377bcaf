import sharp from 'sharp'
import { InputError } from '../../../src/errors.js'
import { confusionImage } from '../../../src/training/metrics/confusion-image.js'

const confusion = [Int32Array.of(8, 2), Int32Array.of(0, 0)]

it('is an SVG that draws: the darkest cell is the right one', async () => {
  const svg = confusionImage(confusion, ['<cat> & "dog"\u0000', 'a name that is too long to be shown'])
  expect(svg).toContain('<title>&lt;cat&gt; &amp; &quot;dog&quot;  named a name')
  expect(svg).toContain('>8</text>')
  const { data, info } = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const brightness = (x: number, y: number): number => {
    const at = (y * info.width + x) * info.channels
    return (data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + 2] ?? 0)
  }
  expect(brightness(123, 123)).toBeLessThan(brightness(151, 123))
  expect(brightness(151, 123)).toBeLessThan(brightness(123, 151))
})

it('refuses another number of names', () => {
  expect(() => confusionImage(confusion, ['cat'])).toThrow(InputError)
})
