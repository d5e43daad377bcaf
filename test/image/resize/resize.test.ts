import fc from 'fast-check'
import { InputError } from '../../../src/errors.js'
import type { RawImage } from '../../../src/image/raw-image.js'
import { Resampling } from '../../../src/image/resize/resampling.js'
import { resize, type ResizeBackend } from '../../../src/image/resize/resize.js'
import { difference, equal, referenceArrays, type ReferenceArrays } from '../reference-arrays.js'

const filters = new Map<string, Resampling>(
  Object.entries(Resampling).map(([name, number]) => [name.toLowerCase(), number]),
)

function rawImage(arrays: ReferenceArrays, name: string): RawImage {
  const [height, width] = arrays.shape(name)
  return { data: arrays.bytes(name), width: width!, height: height! }
}

const target = (name: string) => {
  const [width, height] = name.split('/').at(-1)!.split('x').map(Number)
  return { width: width!, height: height! }
}

describe('resize', () => {
  const small = referenceArrays('images', 'pillow-resize-of-small-rgb.safetensors')
  const smallSource = rawImage(referenceArrays('images', 'siglip-processor-32.safetensors'), 'rgb/small-rgb.png')

  test.each(small.names(''))('equals Pillow to the bit: %s', (name) => {
    const resized = resize(smallSource, { ...target(name), resample: filters.get(name.split('/')[0]!)! })
    expect(difference(resized.data, small.bytes(name))).toEqual(equal)
  })

  const more = referenceArrays('images-more', 'resize.safetensors')

  test.each([...more.names('pillow/'), ...more.names('torchvision/')])(
    'equals the reference to the bit: %s',
    (name) => {
      const [backend, filter, source] = name.split('/')
      const resized = resize(rawImage(more, `source/${source!}`), {
        ...target(name),
        resample: filters.get(filter!)!,
        backend: backend as ResizeBackend,
      })
      expect(difference(resized.data, more.bytes(name))).toEqual(equal)
    },
  )

  test('keeps an image of one colour, whatever the filter, size and arithmetic', () => {
    const side = fc.integer({ min: 1, max: 40 })
    const colour = fc.uint8Array({ minLength: 3, maxLength: 3 })
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        colour,
        fc.constantFrom(0, 1, 2, 3),
        fc.constantFrom('pillow', 'torchvision'),
        (width, height, toWidth, toHeight, rgb, resample, backend) => {
          const image = { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => rgb[i % 3]!) }
          const resized = resize(image, { width: toWidth, height: toHeight, resample, backend })
          expect(resized.data).toHaveLength(toWidth * toHeight * 3)
          // Weights of 16 bits may add up to a little less than 1.
          const largest = Math.max(...Array.from(resized.data, (value, i) => Math.abs(value - rgb[i % 3]!)))
          expect(largest).toBeLessThanOrEqual(backend === 'pillow' ? 0 : 1)
        },
      ),
    )
  })

  test('returns a copy when the size stays', () => {
    const copy = resize(smallSource, { width: smallSource.width, height: smallSource.height })
    expect(copy.data).not.toBe(smallSource.data)
    expect(difference(copy.data, smallSource.data)).toEqual(equal)
  })

  const endless = { data: new Uint8Array(3 * 2 ** 25), width: 2 ** 25, height: 1 }
  const tall = { data: new Uint8Array(3000), width: 1, height: 1000 }
  const black = { data: new Uint8Array(12), width: 2, height: 2 }
  test.each<[string, () => unknown, string]>([
    ['a side of 0', () => resize(black, { width: 0, height: 1 }), 'width'],
    ['a broken side', () => resize(black, { width: 1, height: 1.5 }), 'height'],
    ['an endless side', () => resize(black, { width: Infinity, height: 1 }), 'width'],
    ['a target past memory', () => resize(black, { width: 2 ** 30, height: 2 ** 30 }), 'target'],
    [
      'a wide target of a tall image',
      () => resize(tall, { width: 2 ** 18, height: 600, backend: 'torchvision' }),
      'target',
    ],
    ['an image of endless length', () => resize(endless, { width: 224, height: 1 }), 'too long'],
    ['another filter', () => resize(black, { width: 1, height: 1, resample: 9 as Resampling }), 'resample'],
    [
      'a filter torchvision lacks',
      () => resize(black, { width: 1, height: 1, resample: 4, backend: 'torchvision' }),
      'box',
    ],
    ['another arithmetic', () => resize(black, { width: 1, height: 1, backend: 'opencv' as ResizeBackend }), 'backend'],
    ['too few pixels', () => resize({ ...black, width: 3 }, { width: 1, height: 1 }), '18 bytes'],
  ])('refuses %s', (_, call, says) => {
    expect(call).toThrow(InputError)
    expect(call).toThrow(new RegExp(says, 'i'))
  })
})
