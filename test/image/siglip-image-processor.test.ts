import { readFile } from 'node:fs/promises'
import { ConfigError, FileError, InputError } from '../../src/errors.js'
import { MemoryFolder } from '../../src/hub/memory-folder.js'
import type { RawImage } from '../../src/image/raw-image.js'
import type { ResizeBackend } from '../../src/image/resize.js'
import { SiglipImageProcessor, type SiglipImageProcessorOptions } from '../../src/image/siglip-image-processor.js'
import { difference, equal, fixture, referenceArrays } from './reference-arrays.js'

const reference = referenceArrays('images', 'siglip-processor-32.safetensors')
const names = reference.names('rgb/').map((name) => name.slice(4))
const processor = new SiglipImageProcessor({ size: { height: 32, width: 32 } })
const picture = (name: string): string => fixture('images', name)

describe.each<[ResizeBackend, string]>([
  ['pillow', 'pil'],
  ['torchvision', 'torchvision'],
])('pixel values in the arithmetic of %s', (backend, prefix) => {
  test.each(names)('equal the reference to the bit: %s', async (name) => {
    const { pixelValues } = await processor.call(picture(name), { backend })
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
    const { pixelValues } = await processor.call(picture('rgba.png'), options[name]!)
    expect(pixelValues.shape).toEqual([1, ...expected.shape(name)])
    expect(difference(pixelValues.data, expected.numbers(name))).toEqual(equal)
  })

  test('with doConvertRgb off, transparent pixels keep their colours', async () => {
    const [height, width] = reference.shape('rgb/rgba.png')
    const colours = { data: reference.bytes('rgb/rgba.png'), width: width!, height: height! }
    const { pixelValues } = await processor.call(picture('rgba.png'), { doConvertRgb: false })
    expect(difference(pixelValues.data, processor.preprocess(colours).pixelValues.data)).toEqual(equal)
  })
})
