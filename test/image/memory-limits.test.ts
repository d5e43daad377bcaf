import sharp from 'sharp'
import { ImageError } from '../../src/errors.js'
import { decodeImage } from '../../src/image/decode/decode-image.js'
import { checkPixelCount } from '../../src/image/decode/image-header.js'

type Tags = Readonly<Record<number, number | readonly number[]>>

/** A TIFF or BigTIFF file with these tags in its directory, all numbers as wide as the format has them, and almost no samples. */
function tiff(tags: Tags, isBig: boolean): Buffer {
  const entries = Object.entries(tags).flatMap(([tag, numbers]) =>
    [numbers].flat().map((number) => [Number(tag), number] as const),
  )
  const [word, type] = isBig ? [8, 16] : [4, 4]
  const file = Buffer.alloc(32 + entries.length * (4 + 2 * word) + 8 + word + 64)
  file.write(isBig ? 'II+\0\x08\0\0\0' : 'II*\0', 'latin1')
  const number = (value: number, at: number): void => {
    if (isBig) file.writeBigUInt64LE(BigInt(value), at)
    else file.writeUInt32LE(value, at)
  }
  const start = isBig ? 16 : 8
  number(start, word)
  if (isBig) number(entries.length, start)
  else file.writeUInt16LE(entries.length, start)
  for (const [i, [tag, value]] of entries.entries()) {
    const at = start + (isBig ? 8 : 2) + i * (4 + 2 * word)
    file.writeUInt16LE(tag, at)
    file.writeUInt16LE(type, at + 2)
    number(1, at + 4)
    number(value, at + 4 + word)
  }
  return file
}

const [DOUBLE, RGB] = [3, 2]
const plain = { 256: 16, 257: 16, 258: 8, 259: 1, 262: RGB, 273: 8, 277: 3, 278: 16, 279: 768 }

describe('a small file that would take a large memory is refused before it is decoded', () => {
  test.each<[string, Tags]>([
    ['200 bands of float64', { ...plain, 256: 8000, 257: 8000, 258: 64, 277: 200, 278: 8000, 339: DOUBLE }],
    ['many bands of a byte', { ...plain, 256: 10_000, 257: 10_000, 277: 512, 278: 10_000 }],
    [
      'a tile larger than the image',
      { 256: 16, 257: 16, 258: 8, 259: 1, 262: RGB, 277: 3, 322: 2 ** 20, 323: 2 ** 20, 324: 8, 325: 768 },
    ],
    ['a size that stands there twice', { ...plain, 256: [60_000, 16], 257: [60_000, 16] }],
    ['a line as long as can be', { ...plain, 256: 2 ** 31 - 1, 257: 1 }],
  ])('TIFF of %s', async (_, tags) => {
    for (const isBig of [false, true]) {
      const decoding = decodeImage(tiff(tags, isBig))
      await expect(decoding).rejects.toThrow(ImageError)
      await expect(decoding).rejects.toThrow(/too large/)
    }
  })

  test.each(['png', 'webp', 'gif', 'tiff', 'jpeg', 'avif'] as const)(
    '%s with more pixels than allowed',
    async (format) => {
      const image = sharp({ create: { width: 300, height: 200, channels: 3, background: 'red' } })
      const bytes = await image.toFormat(format).toBuffer()
      await expect(decodeImage(bytes, { maxPixels: 59_999 })).rejects.toThrow(/too large.*300 × 200/)
      expect(await decodeImage(bytes, { maxPixels: 60_000 })).toMatchObject({ width: 300, height: 200 })
    },
  )
})

test('samples of up to 8 bytes a pixel count as a pixel, wider ones as more', () => {
  const limits = { maxPixels: 100, where: 'a test' }
  const check = (bytesPerPixel: number) => () => {
    checkPixelCount(10, 10, limits, bytesPerPixel)
  }
  for (const bytes of [1 / 8, 3, 8]) expect(check(bytes)).not.toThrow()
  expect(check(9)).toThrow(/at most 100 pixels of 8 bytes, found 10 × 10 of 9 bytes/)
})

test('16-bit colours and alpha are decoded at the limit', async () => {
  const pixels = sharp(new Uint16Array(10 * 10 * 4).fill(0xabcd), { raw: { width: 10, height: 10, channels: 4 } })
  const png = await pixels.toColourspace('rgb16').png().toBuffer()
  expect((await decodeImage(png, { maxPixels: 100 })).data[0]).toBe(0xab)
})
