import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import sharp from 'sharp'
import { brokenImage, readImageHeader } from '../../../src/image/decode/image-header.js'
import { fixture } from '../reference-arrays.js'

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
const images = files.filter(([name]) => name.split('.').at(-1)! in formats)

describe('readImageHeader', () => {
  test.each(images)('%s', async (name, file) => {
    const bytes = readFileSync(file)
    const { format, width, height } = readImageHeader(bytes)
    expect(format).toBe(formats[name.split('.').at(-1)!])
    if (['JPEG', 'PNG', 'GIF', 'WebP', 'AVIF'].includes(format!) && name !== 'anim.avif') {
      const metadata = await sharp(bytes).metadata()
      expect([width, height]).toEqual([metadata.width, metadata.height])
    }
    if (format === 'BMP') expect([width, height]).toEqual([23, 17])
  })

  test('bears whatever follows a signature', () => {
    const starts = images.map(([, file]) => Array.from(readFileSync(file).subarray(0, 40)))
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.nat(40), fc.uint8Array({ maxLength: 60 }), (start, kept, rest) => {
        const { width = 1, height = 1 } = readImageHeader(Uint8Array.from([...start.slice(0, kept), ...rest]))
        expect(Number.isInteger(width) && Number.isInteger(height)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the format', () => {
  const of = (text: string): string | undefined => readImageHeader(Buffer.from(text, 'latin1')).format

  test('is that of a whole signature, not of a part', () => {
    for (const text of ['<svg WEBP', '<svg a="WEBP', 'xxxxxxxxWEBP', 'xxxxjP  ', 'xxxxJXL ', 'GIF88a']) {
      expect([text, of(text.padEnd(64, ' '))]).not.toEqual([text, expect.stringMatching(/WebP|JPEG|GIF/)])
    }
    expect(of('RIFF\x24\0\0\0WEBPVP8 ')).toBe('WebP')
  })

  test.each([
    ['<!--ftypavif--><svg', 'SVG or XML'],
    ['\0\0\0\x1cftypmif1\0\0\0\0miafavifmif1', 'AVIF'],
    ['\0\0\0\x18ftypavis\0\0\0\0mif1msf1', 'AVIF'],
    ['\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'HEIC or video'],
    ['\0\0\0\x18ftypheic\0\0\0\0mif1heicavif', 'HEIC or video'], // behind the brands
    ['\0\0\0\x18ftypheicavifmif1heic', 'HEIC or video'], // the version
  ])('by the brands of %j', (text, format) => {
    expect(of(text.padEnd(64, '\0'))).toBe(format)
  })

  test('of text, whatever words are in it, is none that is decoded', () => {
    const words = fc.constantFrom('WEBP', 'ftypavif', 'RIFF', 'GIF89a', '\x89PNG', 'II*\0', '<svg', '-->', ' ', 'a')
    fc.assert(
      fc.property(
        fc.constantFrom('<svg ', '<!--', '<?xml ', ' <svg ', '%PDF', '#?RADIANCE'),
        fc.array(words),
        (start, rest) => {
          const format = of(`${start}${rest.join('')}`.padEnd(64))
          expect(['SVG or XML', 'PDF', 'HTML', undefined]).toContain(format)
        },
      ),
    )
  })
})

describe('sizes', () => {
  const size = (bytes: readonly number[]) => readImageHeader(Uint8Array.from(bytes))
  const zeros = (count: number): number[] => Array<number>(count).fill(0)
  const words = (...numbers: number[]) => numbers.flatMap((n) => [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >>> 24])

  test('of bitmaps, old and new', () => {
    const head = [0x42, 0x4d, ...zeros(12)]
    expect(size([...head, ...words(12), 0x2c, 1, 0xf4, 1, ...zeros(8)])).toMatchObject({ width: 300, height: 500 })
    expect(size([...head, ...words(40, 70_000, -500), ...zeros(8)])).toMatchObject({ width: 70_000, height: 500 })
  })

  test('of the largest image in an icon', () => {
    const entry = (at: number) => [16, 16, 0, 0, 1, 0, 32, 0, ...words(1000, at)]
    const bitmap = [...words(40, 16, 32), ...zeros(12)]
    const png = [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 1, 0, 0, 0, 2, 0, 0]
    const icon = [0, 0, 1, 0, 2, 0, ...entry(38), ...entry(62), ...bitmap, ...png]
    expect(size(icon)).toMatchObject({ format: 'icon', width: 65_536, height: 131_072 })
    expect(size([...icon.slice(0, 4), 1, ...icon.slice(5)])).toMatchObject({ width: 16, height: 16 })
  })

  // The bits of SizeHeader, the lowest first: small, then a side, the ratio, and the other side.
  test.each([
    ['1 11000 100', 32, 32],
    ['1 10000 000 01000', 24, 16],
    ['0 00 111001111 100', 488, 488],
    ['0 10 0001000000000 000 01 000000000000000001', 131_073, 9],
    ['0 11 000000000000000000000000000001 111', 2 ** 30 + 2, 2 ** 29 + 1],
  ])('of JPEG XL: %s', (bits, width, height) => {
    const packed = bits.replaceAll(' ', '').padEnd(96, '0').match(/.{8}/g) ?? []
    const stream = [0xff, 0x0a, ...packed.map((byte) => Number.parseInt(Array.from(byte).reverse().join(''), 2))]
    const box = [0, 0, 0, 12, 0x4a, 0x58, 0x4c, 0x20, 13, 10, 0x87, 10]
    const container = [...box, 0, 0, 0, stream.length + 8, 0x6a, 0x78, 0x6c, 0x63, ...stream]
    for (const file of [stream, container]) {
      expect(size(file)).toEqual({ format: 'JPEG XL', width, height })
    }
  })
})

test('brokenImage tells each of a decoder’s reasons once', () => {
  const { found } = brokenImage(
    new Error('bad seek to 8039\nbad seek to 8039\nheif: Corrupt frame detected\n'),
    'a.avif',
  )
  expect(found).toBe('bad seek to 8039; heif: Corrupt frame detected')
})
