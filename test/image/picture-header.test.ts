import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import sharp from 'sharp'
import { brokenPicture, readPictureHeader } from '../../src/image/picture-header.js'
import { fixture } from './reference-arrays.js'

const formats: Readonly<Record<string, string>> = {
  jpg: 'JPEG',
  png: 'PNG',
  gif: 'GIF',
  webp: 'WebP',
  tif: 'TIFF',
  avif: 'AVIF',
  bmp: 'BMP',
}

const files = ['images', 'images-more'].flatMap((folder) =>
  readdirSync(fixture(folder)).map((name) => [name, fixture(folder, name)] as const),
)
const pictures = files.filter(([name]) => name.split('.').at(-1)! in formats)

describe('readPictureHeader', () => {
  test.each(pictures)('%s', async (name, file) => {
    const bytes = readFileSync(file)
    const { format, width, height } = readPictureHeader(bytes)
    expect(format).toBe(formats[name.split('.').at(-1)!])
    if (['JPEG', 'PNG', 'GIF', 'WebP'].includes(format!)) {
      const metadata = await sharp(bytes).metadata()
      expect([width, height]).toEqual([metadata.width, metadata.height])
    }
    if (format === 'BMP') expect([width, height]).toEqual([23, 17])
  })

  test('bears whatever follows a signature', () => {
    const starts = pictures.map(([, file]) => Array.from(readFileSync(file).subarray(0, 40)))
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.nat(40), fc.uint8Array({ maxLength: 60 }), (start, kept, rest) => {
        const { width = 1, height = 1 } = readPictureHeader(Uint8Array.from([...start.slice(0, kept), ...rest]))
        expect(Number.isInteger(width) && Number.isInteger(height)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

test('brokenPicture tells each of a decoder’s reasons once', () => {
  const { found } = brokenPicture(
    new Error('bad seek to 8039\nbad seek to 8039\nheif: Corrupt frame detected\n'),
    'a.avif',
  )
  expect(found).toBe('bad seek to 8039; heif: Corrupt frame detected')
})
