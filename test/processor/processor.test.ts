import { AutoProcessor } from '../../src/processor/auto-processor.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import { Siglip2Processor } from '../../src/processor/siglip2-processor.js'
import { InputError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import { fixturePath, readFixture } from '../fixture.js'

const picture = (name: string): string => fixturePath('images', name)
const siglip = (): Promise<SiglipProcessor> => SiglipProcessor.fromPretrained(fixturePath('siglip-tiny'))

describe('SiglipProcessor', () => {
  const expected = readFixture('siglip-tiny', 'expected.safetensors')
  const texts = JSON.parse(expected.metadata['texts'] ?? '[]') as string[]
  const images = ['chelsea.png', 'rocket.jpg', 'coffee.png', 'small-rgb.png'].map(picture)

  it('makes the inputs that transformers makes of these texts and pictures', async () => {
    const inputs = await (await siglip()).call({ text: texts, images }, { maxLength: 16 })
    expect(inputs.inputIds.shape).toEqual([4, 16])
    expect(inputs.pixelValues.shape).toEqual([4, 3, 32, 32])
    expect(Array.from(inputs.inputIds.data)).toEqual(Array.from(expected.tensor('in.input_ids').dataSync()))
    const pixels = expected.tensor('in.pixel_values').dataSync()
    const furthest = inputs.pixelValues.data.reduce((most, x, i) => Math.max(most, Math.abs(x - (pixels[i] ?? NaN))), 0)
    expect(furthest).toBeLessThan(1e-6)
  })

  it('takes texts alone and pictures alone, and says so when it gets neither', async () => {
    const processor = await siglip()
    expect(Object.keys(await processor.call({ text: 'a cat' }))).toEqual(['inputIds', 'attentionMask'])
    expect(Object.keys(await processor.call({ images: images[0] ?? '' }))).toEqual(['pixelValues'])
    const nothing = processor.call(JSON.parse('{}') as { text: string })
    await expect(nothing).rejects.toThrow(InputError)
  })

  it('pads and truncates to the model length unless told otherwise, and warns of another padding once', async () => {
    const processor = await siglip()
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined)
    expect((await processor.call({ text: 'a cat' })).inputIds.shape).toEqual([1, 64])
    expect((await processor.call({ text: 'word '.repeat(100) })).inputIds.shape).toEqual([1, 64])
    expect(warn).not.toHaveBeenCalled()
    const longest = { padding: 'longest' } as const
    expect((await processor.call({ text: ['a cat', 'two dogs and a cat'] }, longest)).inputIds.shape[1]).toBeLessThan(
      16,
    )
    await processor.call({ text: 'a cat' }, longest)
    expect(warn).toHaveBeenCalledTimes(1)
    expect(String(warn.mock.calls[0]?.[0])).toContain('max_length')
    warn.mockRestore()
  })

  it('takes options of a call for its pictures', async () => {
    const processor = await siglip()
    const { pixelValues } = await processor.call({ images: images[0] ?? '' }, { size: { height: 8, width: 12 } })
    expect(pixelValues.shape).toEqual([1, 3, 8, 12])
  })
})

describe('Siglip2Processor', () => {
  it('makes the inputs that transformers makes of these texts and pictures', async () => {
    const expected = readFixture('siglip2-naflex-tiny', 'expected.safetensors')
    const processor = await Siglip2Processor.fromPretrained(fixturePath('siglip2-naflex-tiny'))
    const inputs = await processor.call(
      {
        text: JSON.parse(expected.metadata['texts'] ?? '[]') as string[],
        images: ['small-rgb.png', 'wide.png', 'tall.png', 'chelsea.png'].map(picture),
      },
      { maxLength: 16 },
    )
    const ints = (name: string): number[] => Array.from(expected.tensor(name).dataSync())
    expect(Array.from(inputs.inputIds.data)).toEqual(ints('in.input_ids'))
    expect(Array.from(inputs.spatialShapes.data)).toEqual(ints('in.spatial_shapes'))
    expect(Array.from(inputs.pixelAttentionMask.data)).toEqual(ints('in.pixel_attention_mask'))
    const pixels = expected.tensor('in.pixel_values').dataSync()
    const furthest = inputs.pixelValues.data.reduce((most, x, i) => Math.max(most, Math.abs(x - (pixels[i] ?? NaN))), 0)
    expect(furthest).toBeLessThan(1e-6)
  })
})

describe('AutoProcessor', () => {
  it.each([
    ['siglip-tiny', SiglipProcessor],
    ['siglip2-naflex-tiny', Siglip2Processor],
  ])('chooses by the files of %s', async (folder, expected) => {
    expect(await AutoProcessor.fromPretrained(fixturePath(folder))).toBeInstanceOf(expected)
  })
})

it('writes files that load as an equal processor', async () => {
  const processor = await siglip()
  const folder = new MemoryFolder(processor.toFiles())
  const again = await AutoProcessor.fromPretrained(folder)
  const inputs = { text: ['a cat', 'two dogs'], images: picture('rocket.jpg') }
  expect(again).toBeInstanceOf(SiglipProcessor)
  expect(await again.call(inputs)).toEqual(await processor.call(inputs))
})
