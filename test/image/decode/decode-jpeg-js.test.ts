import { readFile } from 'node:fs/promises'
import { ImageError } from '../../../src/errors.js'
import { decodeImage } from '../../../src/image/decode/decode-image.js'
import { decodeWithJpegJs } from '../../../src/image/decode/decode-jpeg-js.js'
import { isRgbJpeg } from '../../../src/image/decode/jpeg-colours.js'
import { difference, fixture, referenceArrays } from '../reference-arrays.js'

const limits = { maxPixels: 10 ** 6, where: 'a test' }
const common = referenceArrays('images', 'siglip-processor-32.safetensors')
const more = referenceArrays('images-more', 'decoded.safetensors')

describe('jpeg-js without sharp', () => {
  // The largest deviations from libjpeg, as measured: rounding, and chroma that isn't interpolated.
  test.each([
    ['gray.jpg', 1],
    ['baseline-444.jpg', 3],
    ['baseline-422.jpg', 16],
    ['baseline-420.jpg', 16],
    ['progressive.jpg', 16],
    ['cmyk.jpg', 3],
  ])('decodes %s within %i levels', async (name, levels) => {
    const image = decodeWithJpegJs(await readFile(fixture('images', name)), limits)
    expect([image.height, image.width, 3]).toEqual(common.shape(`rgb/${name}`))
    expect(difference(image.data, common.bytes(`rgb/${name}`)).largest).toBeLessThanOrEqual(levels)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('turns an image of orientation %i upright', async (orientation) => {
    const name = `exif${orientation}.jpg`
    const image = decodeWithJpegJs(await readFile(fixture('images-more', name)), limits)
    expect([image.height, image.width, 3]).toEqual(more.shape(`ignore/${name}`))
    expect(difference(image.data, more.bytes(`ignore/${name}`)).largest).toBeLessThanOrEqual(16)
  })

  /** A JPEG file with other components' ids and without its JFIF segment, but for those given. */
  function withColours(jpeg: Buffer, ids: string, ...segments: string[]): Buffer {
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]))
    const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]))
    for (const [i, id] of [...Buffer.from(ids, 'latin1')].entries()) {
      jpeg[frame + 10 + i * 3] = id
      jpeg[scan + 5 + i * 2] = id
    }
    const end = 4 + jpeg.readUInt16BE(4)
    return Buffer.concat([jpeg.subarray(0, 2), Buffer.from(segments.join(''), 'latin1'), jpeg.subarray(end)])
  }
  const jfif = '\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0'
  const adobe = (transform: string): string => `\xff\xee\0\x0eAdobe\0\x64\0\0\0\0${transform}`

  test.each([
    ['the ids R, G, B', 'RGB', [], true],
    ['the ids R, G, B in JFIF', 'RGB', [jfif], false],
    ['Adobe’s segment without transform', '\x01\x02\x03', [adobe('\0')], true],
    ['Adobe’s segment without transform in JFIF', '\x01\x02\x03', [jfif, adobe('\0')], false],
    ['Adobe’s segment with transform', 'RGB', [adobe('\x01')], false],
    ['neither', '\x01\x02\x03', [], false],
  ])('knows the colours by %s, as libjpeg does', async (_, ids, segments, isRgb) => {
    const jpeg = withColours(await readFile(fixture('images', 'baseline-444.jpg')), ids, ...segments)
    expect(isRgbJpeg(jpeg)).toBe(isRgb)
    const ofLibjpeg = await decodeImage(jpeg)
    expect(difference(decodeWithJpegJs(jpeg, limits).data, ofLibjpeg.data).largest).toBeLessThanOrEqual(3)
  })

  test.each<[string, (jpeg: Buffer) => Uint8Array, string]>([
    ['a PNG', () => Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'found PNG'],
    ['a JPEG without frame', (jpeg) => jpeg.subarray(0, 20), 'no frame header'],
    ['a JPEG without data', (jpeg) => jpeg.subarray(0, 700), 'broken'],
    ['60,000 × 60,000 pixels', enormous, '60000 × 60000'],
  ])('refuses %s', async (_, change, says) => {
    const bytes = change(await readFile(fixture('images', 'baseline-420.jpg')))
    expect(() => decodeWithJpegJs(bytes, limits)).toThrow(ImageError)
    expect(() => decodeWithJpegJs(bytes, limits)).toThrow(new RegExp(says))
  })

  function enormous(jpeg: Buffer): Uint8Array {
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]))
    jpeg.writeUInt16BE(60_000, frame + 5)
    jpeg.writeUInt16BE(60_000, frame + 7)
    return jpeg
  }
})
