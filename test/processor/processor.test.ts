import { readFileSync } from 'node:fs'
import { AutoProcessor } from '../../src/processor/auto-processor.js'
import { SiglipProcessor } from '../../src/processor/siglip-processor.js'
import { Siglip2Processor } from '../../src/processor/siglip2-processor.js'
import { InputError, TokenizerError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import type { BatchOptions } from '../../src/tokenizer/encoding-options.js'
import { fixturePath, readFixture } from '../fixture.js'

const image = (name: string): string => fixturePath('images', name)
const siglip = (): Promise<SiglipProcessor> => SiglipProcessor.fromPretrained(fixturePath('siglip-tiny'))

describe('SiglipProcessor', () => {
  const expected = readFixture('siglip-tiny', 'expected.safetensors')
  const texts = JSON.parse(expected.metadata['texts'] ?? '[]') as string[]
  const images = ['chelsea.png', 'rocket.jpg', 'coffee.png', 'small-rgb.png'].map(image)

  it('makes the inputs that transformers makes of these texts and images', async () => {
    const inputs = await (await siglip()).call({ text: texts, images }, { maxLength: 16 })
    expect(inputs.inputIds.shape).toEqual([4, 16])
    expect(inputs.pixelValues.shape).toEqual([4, 3, 32, 32])
    expect(Array.from(inputs.inputIds.data)).toEqual(Array.from(expected.tensor('in.input_ids').dataSync()))
    const pixels = expected.tensor('in.pixel_values').dataSync()
    const furthest = inputs.pixelValues.data.reduce((most, x, i) => Math.max(most, Math.abs(x - (pixels[i] ?? NaN))), 0)
    expect(furthest).toBeLessThan(1e-6)
  })

  it('takes texts alone and images alone, and says so when it gets neither', async () => {
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

  it('takes options of a call for its images', async () => {
    const processor = await siglip()
    const { pixelValues } = await processor.call({ images: images[0] ?? '' }, { size: { height: 8, width: 12 } })
    expect(pixelValues.shape).toEqual([1, 3, 8, 12])
  })
})

describe('Siglip2Processor', () => {
  it('makes the inputs that transformers makes of these texts and images', async () => {
    const expected = readFixture('siglip2-naflex-tiny', 'expected.safetensors')
    const processor = await Siglip2Processor.fromPretrained(fixturePath('siglip2-naflex-tiny'))
    const inputs = await processor.call(
      {
        text: JSON.parse(expected.metadata['texts'] ?? '[]') as string[],
        images: ['small-rgb.png', 'wide.png', 'tall.png', 'chelsea.png'].map(image),
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

describe('The lengths of Siglip2Processor', () => {
  const caption = 'a photo of a cat and two dogs on a table '.repeat(20)
  const files = ['config.json', 'preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json']

  /** The fixture's processor with other padding and truncation in its `tokenizer.json`, and more in its configuration. */
  async function processorOf(head: object, config: object): Promise<Siglip2Processor> {
    const entries = files.map((name): [string, object] => [
      name,
      JSON.parse(readFileSync(fixturePath('siglip2-naflex-tiny', name), 'utf8')) as object,
    ])
    const changes: Readonly<Record<string, object>> = { 'tokenizer.json': head, 'tokenizer_config.json': config }
    const bytes = entries.map(([name, json]): [string, Uint8Array] => [
      name,
      new TextEncoder().encode(JSON.stringify({ ...json, ...changes[name] })),
    ])
    return Siglip2Processor.fromPretrained(new MemoryFolder(new Map(bytes)))
  }

  const silent = { truncation: null, padding: null }
  const padding = { direction: 'Left', pad_to_multiple_of: null, pad_id: 0, pad_type_id: 0, pad_token: '<pad>' }
  const longest = { truncation: null, padding: { ...padding, strategy: 'BatchLongest' } }
  const fixed = { truncation: null, padding: { ...padding, strategy: { Fixed: 20 } } }
  let warn: jest.SpyInstance
  beforeEach(() => {
    warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined)
  })
  afterEach(() => {
    warn.mockRestore()
  })

  // Numbers of tokens of 'a cat' and of the long caption in transformers.
  it.each<[string, object, object, BatchOptions, number, number]>([
    ['are the class’s 64 where the files are silent', silent, {}, {}, 64, 64],
    ['are the class’s 64 whatever the tokenizer’s own length', silent, { model_max_length: 8 }, {}, 64, 64],
    ['still end at 64 where rows are filled up to the longest', silent, {}, { padding: 'longest' }, 3, 64],
    ['still end at 64 without padding', silent, {}, { padding: false }, 3, 64],
    ['are 64 by padding: max_length', silent, {}, { padding: 'max_length' }, 64, 64],
    ['are the caller’s', silent, {}, { maxLength: 10 }, 10, 10],
    ['have no end where the caller wants none', silent, {}, { truncation: false }, 64, 201],
    ['come from truncation in tokenizer.json', {}, {}, {}, 16, 16],
    ['come from padding in tokenizer.json', fixed, {}, {}, 20, 20],
    ['are unlimited where tokenizer.json pads to the longest', longest, {}, {}, 3, 201],
    ['are the caller’s all the same', longest, {}, { maxLength: 10 }, 10, 10],
    ['come from tokenizer_config.json', silent, { max_length: 10, pad_to_multiple_of: 5 }, {}, 10, 10],
    ['are multiples', silent, { max_length: 12, padding: 'longest', pad_to_multiple_of: 5 }, { maxLength: 10 }, 5, 10],
  ])('%s', async (_, head, config, options, short, long) => {
    const processor = await processorOf(head, config)
    expect((await processor.call({ text: 'a cat' }, options)).inputIds.shape).toEqual([1, short])
    expect((await processor.call({ text: caption }, options)).inputIds.shape).toEqual([1, long])
    const again = await Siglip2Processor.fromPretrained(new MemoryFolder(processor.toFiles()))
    expect((await again.call({ text: 'a cat' }, options)).inputIds.shape).toEqual([1, short])
  })

  it.each([{ max_length: 'long' }, { padding: 'most' }, { truncation: 3 }])(
    '%j is a TokenizerError',
    async (config) => {
      await expect(processorOf(silent, config)).rejects.toThrow(TokenizerError)
    },
  )
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
  const inputs = { text: ['a cat', 'two dogs'], images: image('rocket.jpg') }
  expect(again).toBeInstanceOf(SiglipProcessor)
  expect(await again.call(inputs)).toEqual(await processor.call(inputs))
})
