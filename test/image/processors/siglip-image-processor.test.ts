import { ConfigError, FileError, InputError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import type { RawImage } from '../../../src/image/raw-image.js'
import type { ResizeBackend } from '../../../src/image/resize/resize.js'
import {
  SiglipImageProcessor,
  type SiglipImageProcessorOptions,
} from '../../../src/image/processors/siglip-image-processor.js'
import { difference, equal, fixture, referenceArrays } from '../reference-arrays.js'

const reference = referenceArrays('images', 'siglip-processor-32.safetensors')
const names = reference.names('rgb/').map((name) => name.slice(4))
const processor = new SiglipImageProcessor({ size: { height: 32, width: 32 } })
const image = (name: string): string => fixture('images', name)

describe.each<[ResizeBackend, string]>([
  ['pillow', 'pil'],
  ['torchvision', 'torchvision'],
])('pixel values in the arithmetic of %s', (backend, prefix) => {
  test.each(names)('equal the reference to the bit: %s', async (name) => {
    const { pixelValues } = await processor.call(image(name), { backend })
    expect(pixelValues.shape).toEqual([1, 3, 32, 32])
    expect(difference(pixelValues.data, reference.numbers(`${prefix}/${name}`))).toEqual(equal)
  })
})

describe('options', () => {
  const expected = referenceArrays('images', 'siglip-processor-options-rgba.safetensors')
  const options: Readonly<Record<string, SiglipImageProcessorOptions>> = {
    bilinear: { resample: 2 },
    factor: { rescaleFactor: 1 / 127.5 },
    imagenet: { imageMean: [0.485, 0.456, 0.406], imageStd: [0.229, 0.224, 0.225] },
    no_normalize: { doNormalize: false },
    no_rescale: { doRescale: false, doNormalize: false },
    no_resize: { doResize: false },
    size24x40: { size: { height: 24, width: 40 } },
  }

  test.each(expected.names(''))('%s equals the reference to the bit', async (name) => {
    const { pixelValues } = await processor.call(image('rgba.png'), options[name])
    expect(pixelValues.shape).toEqual([1, ...expected.shape(name)])
    expect(difference(pixelValues.data, expected.numbers(name))).toEqual(equal)
  })

  test('with doConvertRgb off, transparent pixels keep their colours', async () => {
    const [height, width] = reference.shape('rgb/rgba.png')
    const colours = { data: reference.bytes('rgb/rgba.png'), width: width!, height: height! }
    const { pixelValues } = await processor.call(image('rgba.png'), { doConvertRgb: false })
    expect(difference(pixelValues.data, processor.preprocess(colours).pixelValues.data)).toEqual(equal)
  })
})

describe('more options equal the reference to the bit', () => {
  const expected = referenceArrays('images-more', 'processor-options.safetensors')
  const small = { height: 6, width: 5 }
  const options: Readonly<Record<string, SiglipImageProcessorOptions>> = {
    shortestEdge: { size: { shortestEdge: 10 } },
    shortestEdgeTall: { size: { shortestEdge: 10 } },
    longestEdge: { size: { shortestEdge: 10, longestEdge: 13 } },
    longestEdgeTall: { size: { shortestEdge: 10, longestEdge: 12 } },
    maxBox: { size: { maxHeight: 9, maxWidth: 20 } },
    number: { size: 8 },
    list: { size: [10, 14] },
    crop: { size: { shortestEdge: 12 }, doCenterCrop: true, cropSize: { height: 10, width: 13 } },
    cropTall: { size: { shortestEdge: 12 }, doCenterCrop: true, cropSize: { height: 11, width: 10 } },
    cropLarger: { size: [9, 12], doCenterCrop: true, cropSize: [14, 15] },
    cropMixed: { size: [9, 20], doCenterCrop: true, cropSize: [12, 11] },
    pad: { size: [9, 12], doPad: true, padSize: [14, 15] },
    noNormalize: { size: small, doNormalize: false },
    noRescale: { size: small, doRescale: false },
    imagenet: { size: small, imageMean: [0.485, 0.456, 0.406], imageStd: [0.229, 0.224, 0.225] },
    bilinear: { size: small, resample: 2 },
  }

  test.each(expected.names(''))('%s', (name) => {
    const [backend, option] = name.split('/')
    const image = option!.endsWith('Tall') ? turnedLeft(smallRgb()) : smallRgb()
    const { pixelValues } = new SiglipImageProcessor({
      ...options[option!],
      backend: backend as ResizeBackend,
    }).preprocess(image)
    expect(pixelValues.shape).toEqual([1, ...expected.shape(name)])
    expect(difference(pixelValues.data, expected.numbers(name))).toEqual(equal)
  })

  function smallRgb(): RawImage {
    const [height, width] = reference.shape('rgb/small-rgb.png')
    return { data: reference.bytes('rgb/small-rgb.png'), width: width!, height: height! }
  }

  function turnedLeft({ data, width, height }: RawImage): RawImage {
    const turned = new Uint8Array(data.length)
    for (let y = 0; y < width; y++)
      for (let x = 0; x < height; x++)
        for (let c = 0; c < 3; c++) turned[(y * height + x) * 3 + c] = data[(x * width + width - 1 - y) * 3 + c]!
    return { data: turned, width: height, height: width }
  }
})

describe('batches', () => {
  test('keep the order of the images', async () => {
    const files = ['wide.png', 'gray.jpg', 'tall.png', 'rgba.png', 'one-pixel.png', 'cmyk.jpg']
    const { pixelValues } = await processor.call(files.map(image))
    expect(pixelValues.shape).toEqual([6, 3, 32, 32])
    for (const [i, name] of files.entries()) {
      const one = pixelValues.data.subarray(i * 3072, (i + 1) * 3072)
      expect(difference(one, reference.numbers(`pil/${name}`))).toEqual(equal)
    }
  })

  test('pad to the largest image', () => {
    const images = [grey(2, 1, 10), grey(1, 3, 20)]
    const options = { doResize: false, doRescale: false, doNormalize: false, doPad: true }
    const { pixelValues } = processor.preprocess(images, options)
    expect(pixelValues.shape).toEqual([2, 3, 3, 2])
    expect(Array.from(pixelValues.data.subarray(0, 6))).toEqual([10, 10, 0, 0, 0, 0])
    expect(Array.from(pixelValues.data.subarray(18, 24))).toEqual([20, 0, 20, 0, 20, 0])
  })

  test.each<[string, () => unknown, string]>([
    ['no images', () => processor.preprocess([]), 'at least one'],
    [
      'images of different sizes',
      () => processor.preprocess([grey(1, 2, 0), grey(2, 2, 0)], { doResize: false }),
      'doPad',
    ],
    [
      'an image larger than the padding',
      () => processor.preprocess(grey(5, 5, 0), { doPad: true, padSize: 4 }),
      'padSize',
    ],
    ['a crop of no size', () => processor.preprocess(grey(5, 5, 0), { doCenterCrop: true }), 'cropSize'],
    ['a batch past memory', () => processor.preprocess(grey(1, 1, 0), { doPad: true, padSize: 65_536 }), 'values'],
    [
      'an image resized to nothing',
      () => processor.preprocess(grey(100, 1, 0), { size: { maxHeight: 5, maxWidth: 5 } }),
      'height',
    ],
    ['a filter of another name', () => new SiglipImageProcessor({ resample: 6 as 0 }), 'bicubic'],
    ['a deviation of 0', () => new SiglipImageProcessor({ imageStd: [1, 0, 1] }), 'imageStd'],
    ['two means', () => new SiglipImageProcessor({ imageMean: [1, 0] }), 'imageMean'],
    [
      'a size without width',
      () => new SiglipImageProcessor({ size: { height: 3 } as { height: 3; width: 3 } }),
      'size',
    ],
    ['a word for yes', () => new SiglipImageProcessor({ doResize: 'yes' as unknown as true }), 'doResize'],
  ])('refuse %s', (_, call, says) => {
    expect(call).toThrow(InputError)
    expect(call).toThrow(new RegExp(says))
  })

  function grey(width: number, height: number, level: number): RawImage {
    return { data: new Uint8Array(width * height * 3).fill(level), width, height }
  }
})

describe('files', () => {
  const folder = (files: Readonly<Record<string, unknown>>): MemoryFolder =>
    new MemoryFolder(
      new Map(Object.entries(files).map(([name, value]) => [name, new TextEncoder().encode(JSON.stringify(value))])),
    )

  test.each(['siglip-tiny', 'classifier-multi'])('of %s are read from its folder', async (name) => {
    const { config } = await SiglipImageProcessor.fromPretrained(fixture(name))
    expect(config).toEqual(processor.config)
  })

  test('processor_config.json goes before preprocessor_config.json', async () => {
    const both = folder({
      'processor_config.json': { image_processor: { size: { height: 8, width: 9 } } },
      'preprocessor_config.json': { size: { height: 1, width: 1 } },
    })
    expect((await SiglipImageProcessor.fromPretrained(both)).config.size).toEqual({ height: 8, width: 9 })
  })

  test('come back as they were, unknown keys included', async () => {
    const settings = {
      size: { shortest_edge: 30 },
      resample: 2,
      do_center_crop: true,
      crop_size: { height: 28, width: 28 },
      rescale_factor: 0.5,
      image_std: 0.25,
      some_other_key: { kept: [1] },
      auto_map: { AutoImageProcessor: 'x.Y' },
      my_key_2: { inCamelCase: 1 },
      doResize: 'not a setting',
    }
    const first = await SiglipImageProcessor.fromPretrained(folder({ 'preprocessor_config.json': settings }))
    const files = first.toFiles()
    const written = JSON.parse(new TextDecoder().decode(files.get('preprocessor_config.json'))) as unknown
    expect(written).toMatchObject({ ...settings, image_processor_type: 'SiglipImageProcessor' })
    expect((await SiglipImageProcessor.fromPretrained(new MemoryFolder(files))).config).toEqual(first.config)
  })

  test('say what a size of one number is, also that of a later call', async () => {
    const settings = { 'preprocessor_config.json': { size: 8, default_to_square: true } }
    const first = await SiglipImageProcessor.fromPretrained(folder(settings))
    const read = await SiglipImageProcessor.fromPretrained(new MemoryFolder(first.toFiles()))
    for (const square of [first, read, new SiglipImageProcessor({ size: 8, defaultToSquare: true })]) {
      expect(square.config.size).toEqual({ height: 8, width: 8 })
      const shapeOf = async (options: SiglipImageProcessorOptions): Promise<readonly number[]> =>
        (await square.call(image('small-rgb.png'), options)).pixelValues.shape
      expect(await shapeOf({ size: 5 })).toEqual([1, 3, 5, 5])
      expect(await shapeOf({ size: 5, defaultToSquare: false })).toEqual([1, 3, 5, 7])
    }
  })

  test('give way to the caller’s options', async () => {
    const { config } = await SiglipImageProcessor.fromPretrained(fixture('siglip-tiny'), {
      size: 5,
      defaultToSquare: true,
    })
    expect(config.size).toEqual({ height: 5, width: 5 })
  })

  test.each<[string, Readonly<Record<string, unknown>>, typeof ConfigError | typeof FileError, string]>([
    ['none', {}, FileError, 'preprocessor_config.json'],
    ['a processor_config.json without image processor', { 'processor_config.json': {} }, FileError, 'image_processor'],
    ['a list', { 'preprocessor_config.json': [] }, ConfigError, 'an object'],
    ['a size in words', { 'preprocessor_config.json': { size: 'large' } }, ConfigError, 'large'],
    [
      'a size by the names of TypeScript',
      { 'preprocessor_config.json': { size: { shortestEdge: 5 } } },
      ConfigError,
      '{ shortest_edge }',
    ],
    ['a setting of another type', { 'preprocessor_config.json': { do_resize: 1 } }, ConfigError, 'do_resize'],
    ['a crop of no size', { 'preprocessor_config.json': { do_center_crop: true } }, ConfigError, 'Missing crop_size'],
    ['a negative size', { 'preprocessor_config.json': { size: { height: -1, width: 3 } } }, ConfigError, 'size'],
    [
      'another processor',
      { 'preprocessor_config.json': { image_processor_type: 'Siglip2ImageProcessor' } },
      ConfigError,
      'Siglip2',
    ],
    [
      'another family',
      { 'preprocessor_config.json': { image_processor_type: 'ViTImageProcessor' } },
      ConfigError,
      'ViT',
    ],
  ])('are refused: %s', async (_, files, ErrorClass, says) => {
    const error: unknown = await SiglipImageProcessor.fromPretrained(folder(files)).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ErrorClass)
    expect(String(error)).toContain(says)
  })
})
