import fc from 'fast-check'
import { ConfigError, InputError } from '../../../src/errors.js'
import { MemoryFolder } from '../../../src/hub/memory-folder.js'
import { AutoImageProcessor } from '../../../src/image/processors/auto-image-processor.js'
import { naflexSize } from '../../../src/image/resize/naflex-size.js'
import { SiglipImageProcessor } from '../../../src/image/processors/siglip-image-processor.js'
import { Siglip2ImageProcessor } from '../../../src/image/processors/siglip2-image-processor.js'
import { difference, equal, fixture, referenceArrays } from '../reference-arrays.js'

const reference = referenceArrays('images', 'siglip2-naflex-processor.safetensors')

describe('patches', () => {
  const cases = reference.names('').filter((name) => name.endsWith('/pixel_values'))

  test.each(cases.map((name) => name.replace('/pixel_values', '')))(
    'equal the reference to the bit: %s',
    async (name) => {
      const [file, setting] = name.split('/')
      const [patchSize, maxNumPatches] = setting!.match(/\d+/g)!.map(Number)
      const processor = new Siglip2ImageProcessor({ patchSize: patchSize!, maxNumPatches: maxNumPatches! })
      const inputs = await processor.call(fixture('images', file!))
      expect(inputs.pixelValues.shape).toEqual([1, ...reference.shape(`${name}/pixel_values`)])
      expect(inputs.pixelAttentionMask.shape).toEqual([1, maxNumPatches])
      expect(inputs.spatialShapes.shape).toEqual([1, 2])
      expect(difference(inputs.pixelValues.data, reference.numbers(`${name}/pixel_values`))).toEqual(equal)
      expect(difference(inputs.pixelAttentionMask.data, reference.numbers(`${name}/pixel_attention_mask`))).toEqual(
        equal,
      )
      expect(difference(inputs.spatialShapes.data, reference.numbers(`${name}/spatial_shapes`))).toEqual(equal)
    },
  )

  test('in the arithmetic of torchvision equal the reference to the bit', async () => {
    const torchvision = referenceArrays('images-more', 'naflex-torchvision.safetensors')
    const processor = new Siglip2ImageProcessor({ patchSize: 8, maxNumPatches: 16, backend: 'torchvision' })
    const { pixelValues } = await processor.call(fixture('images', 'small-rgb.png'))
    expect(difference(pixelValues.data, torchvision.numbers('small-rgb.png'))).toEqual(equal)
  })

  test('of several images lie one after the other', async () => {
    const processor = new Siglip2ImageProcessor({ patchSize: 8, maxNumPatches: 16 })
    const files = ['wide.png', 'tall.png', 'one-pixel.png']
    const { pixelValues, pixelAttentionMask, spatialShapes } = await processor.call(
      files.map((file) => fixture('images', file)),
    )
    expect(pixelValues.shape).toEqual([3, 16, 192])
    for (const [i, file] of files.entries()) {
      const name = `${file}/patch8-max16`
      const values = pixelValues.data.subarray(i * 16 * 192, (i + 1) * 16 * 192)
      expect(difference(values, reference.numbers(`${name}/pixel_values`))).toEqual(equal)
      const mask = pixelAttentionMask.data.subarray(i * 16, (i + 1) * 16)
      expect(difference(mask, reference.numbers(`${name}/pixel_attention_mask`))).toEqual(equal)
      const shape = spatialShapes.data.subarray(i * 2, i * 2 + 2)
      expect(difference(shape, reference.numbers(`${name}/spatial_shapes`))).toEqual(equal)
    }
  })

  const grey = (width: number, height: number) => ({
    data: new Uint8Array(width * height * 3).fill(255),
    width,
    height,
  })

  test('without doResize are those of the image', () => {
    const processor = new Siglip2ImageProcessor({ patchSize: 2, maxNumPatches: 4, doResize: false })
    const { pixelValues, spatialShapes } = processor.preprocess(grey(6, 2))
    expect(Array.from(spatialShapes.data)).toEqual([1, 3])
    expect(Array.from(pixelValues.data)).toEqual([...new Array<number>(36).fill(1), ...new Array<number>(12).fill(0)])
    expect(() => processor.preprocess(grey(5, 2))).toThrow(InputError)
    expect(() => processor.preprocess(grey(10, 2))).toThrow(InputError)
  })

  test.each([{ patchSize: 0 }, { patchSize: 1.5 }, { maxNumPatches: -1 }, { maxNumPatches: 2 ** 30 }])(
    'are not made with %j',
    (options) => {
      expect(() => new Siglip2ImageProcessor(options)).toThrow(InputError)
    },
  )
})

describe('naflexSize', () => {
  // Computed by transformers' get_image_size_for_max_num_patches.
  test.each([
    [1, 1, 16, 256, 112, 112],
    [427, 640, 16, 256, 208, 304],
    [3000, 2, 16, 256, 4096, 16],
    [2, 9000, 14, 16, 14, 224],
    [1080, 1920, 16, 1024, 384, 672],
    [1080, 1920, 14, 729, 280, 504],
    [5000, 5000, 32, 1, 32, 32],
    [967, 1243, 7, 729, 168, 210],
    [1623, 1962, 8, 4, 16, 16],
    [273, 82, 16, 256, 448, 144],
    [1186, 242, 8, 256, 280, 56],
    [2199, 1476, 14, 16, 70, 42],
    [435, 1073, 8, 4, 8, 24],
    [2625, 1067, 14, 16, 70, 42],
    [676, 1270, 14, 729, 280, 504],
    [2998, 1526, 7, 256, 154, 77],
    [1383, 2752, 16, 256, 176, 352],
    [1020, 729, 8, 196, 128, 96],
    [1147, 366, 32, 64, 416, 128],
    [30, 1196, 32, 729, 128, 5120],
  ])('%i × %i in patches of %i, at most %i', (height, width, patch, max, toHeight, toWidth) => {
    expect(naflexSize({ height, width }, patch, max)).toEqual({ height: toHeight, width: toWidth })
  })

  test('is whole patches, and no more than allowed', () => {
    const side = fc.integer({ min: 1, max: 5000 })
    fc.assert(
      fc.property(
        side,
        side,
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 1, max: 1024 }),
        (h, w, patch, max) => {
          const { height, width } = naflexSize({ height: h, width: w }, patch, max)
          expect(height % patch).toBe(0)
          expect(width % patch).toBe(0)
          expect((height / patch) * (width / patch)).toBeLessThanOrEqual(max)
        },
      ),
    )
  })
})

describe('fromPretrained', () => {
  test('reads a NaFlex checkpoint', async () => {
    const { config } = await Siglip2ImageProcessor.fromPretrained(fixture('siglip2-naflex-tiny'))
    expect(config).toEqual(new Siglip2ImageProcessor({ patchSize: 8, maxNumPatches: 16 }).config)
  })

  test('gives back what toFiles wrote', async () => {
    const written = new Siglip2ImageProcessor({ patchSize: 14, maxNumPatches: 729, imageMean: 0.25, resample: 3 })
    const read = await AutoImageProcessor.fromPretrained(new MemoryFolder(written.toFiles()))
    expect(read).toBeInstanceOf(Siglip2ImageProcessor)
    expect(read.config).toEqual(written.config)
  })

  test('refuses the settings of the other processor', async () => {
    await expect(Siglip2ImageProcessor.fromPretrained(fixture('siglip-tiny'))).rejects.toThrow(ConfigError)
  })
})

describe('settings that don’t name their image processor', () => {
  const folderOf = (files: Readonly<Record<string, unknown>>): MemoryFolder =>
    new MemoryFolder(
      new Map(Object.entries(files).map(([name, value]) => [name, new TextEncoder().encode(JSON.stringify(value))])),
    )
  const settings = { patch_size: 14, max_num_patches: 100 }
  const naflex = { 'config.json': { model_type: 'siglip2' } }

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['are those of the model', { 'preprocessor_config.json': settings, ...naflex }],
    [
      'are those of the model, in processor_config.json',
      { 'processor_config.json': { image_processor: settings }, ...naflex },
    ],
    [
      'are those that config.json names',
      {
        'preprocessor_config.json': { ...settings, image_processor_type: null },
        'config.json': { image_processor_type: 'Siglip2ImageProcessorFast' },
      },
    ],
    [
      'name a feature extractor',
      { 'preprocessor_config.json': { ...settings, feature_extractor_type: 'Siglip2FeatureExtractor' } },
    ],
  ])('%s', async (_, files) => {
    const folder = folderOf(files)
    const processor = await AutoImageProcessor.fromPretrained(folder)
    expect(processor).toBeInstanceOf(Siglip2ImageProcessor)
    expect(processor.config).toMatchObject({ patchSize: 14, maxNumPatches: 100 })
    expect((await Siglip2ImageProcessor.fromPretrained(folder)).config).toEqual(processor.config)
  })

  test('are those of SigLIP otherwise', async () => {
    const folder = folderOf({ 'preprocessor_config.json': {}, 'config.json': { model_type: 'siglip' } })
    expect(await AutoImageProcessor.fromPretrained(folder)).toBeInstanceOf(SiglipImageProcessor)
    expect(await Siglip2ImageProcessor.fromPretrained(folder)).toBeInstanceOf(Siglip2ImageProcessor)
  })

  test('are refused where config.json names another family', async () => {
    const folder = folderOf({
      'preprocessor_config.json': {},
      'config.json': { image_processor_type: 'ViTImageProcessor' },
    })
    await expect(AutoImageProcessor.fromPretrained(folder)).rejects.toThrow(/ViTImageProcessor.*config\.json/)
  })
})

describe('AutoImageProcessor', () => {
  test.each([
    ['siglip2-naflex-tiny', Siglip2ImageProcessor],
    ['siglip-tiny', SiglipImageProcessor],
    ['classifier-single', SiglipImageProcessor],
  ])('knows the processor of %s', async (folder, Processor) => {
    expect(await AutoImageProcessor.fromPretrained(fixture(folder))).toBeInstanceOf(Processor)
  })
})
