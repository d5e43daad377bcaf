import { readFileSync } from 'node:fs'
import { crc32, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { decodeImage } from '../../../src/image/decode/decode-image.js'
import { orientationOf } from '../../../src/image/decode/exif-orientation.js'
import { readOrientation } from '../../../src/image/decode/jpeg-orientation.js'
import { difference, equal, fixture, referenceArrays } from '../reference-arrays.js'

const reference = referenceArrays('images-more', 'decoded.safetensors')
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')
const xmp = (orientation: number): Buffer => bytesOf(`<rdf:Description tiff:Orientation="${orientation}"/>`)
const other = 0x10f // the maker

/** EXIF data with one tag. */
function exif(orientation: number, tag = 0x112): Buffer {
  const tiff = Buffer.from('MM\0*\0\0\0\x08\0\x01\0\0\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0', 'latin1')
  tiff.writeUInt16BE(tag, 10)
  tiff.writeUInt16BE(orientation, 18)
  return tiff
}

describe('JPEG', () => {
  const upright = readFileSync(fixture('images-more', 'exif1.jpg'))
  const segment = (text: string, data: Buffer): Buffer => {
    const head = Buffer.from([0xff, 0xe1, 0, 0])
    head.writeUInt16BE(2 + text.length + data.length, 2)
    return Buffer.concat([head, bytesOf(text), data])
  }
  /** The image with other segments in the place of its EXIF data. */
  const withSegments = (...segments: Buffer[]): Buffer => {
    const at = upright.indexOf(Buffer.from([0xff, 0xe1]))
    const end = at + 2 + upright.readUInt16BE(at + 2)
    return Buffer.concat([upright.subarray(0, at), ...segments, upright.subarray(end)])
  }
  const xmpSegment = (orientation: number): Buffer => segment('http://ns.adobe.com/xap/1.0/\0', xmp(orientation))
  const exifSegment = (data: Buffer): Buffer => segment('Exif\0\0', data)

  test.each<[string, number, Buffer]>([
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((n): [string, number, Buffer] => [
      `turned by XMP, ${n}`,
      n,
      withSegments(xmpSegment(n)),
    ]),
    ['turned by XMP where EXIF doesn’t tell', 6, withSegments(exifSegment(exif(3, other)), xmpSegment(6))],
    ['turned by EXIF, whatever XMP says', 8, withSegments(exifSegment(exif(8)), xmpSegment(6))],
    ['upright by EXIF, whatever XMP says', 1, withSegments(exifSegment(exif(1)), xmpSegment(6))],
    ['of no known orientation, whatever XMP says', 1, withSegments(exifSegment(exif(9)), xmpSegment(6))],
    ['turned after fill bytes', 6, withSegments(Buffer.from([0xff, 0xff]), exifSegment(exif(6)))],
  ])('%s', async (_, orientation, bytes) => {
    const image = await decodeImage(bytes)
    const name = `ignore/exif${orientation}.jpg`
    expect([image.height, image.width, 3]).toEqual(reference.shape(name))
    expect(difference(image.data, reference.bytes(name))).toEqual(equal)
    expect(readOrientation(bytes)).toBe(orientation)
  })
})

describe('PNG', () => {
  const upright = readFileSync(fixture('images', 'small-rgb.png'))
  const chunk = (type: string, data: Buffer): Buffer => {
    const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)]
    const body = Buffer.concat([bytesOf(type), data])
    length.writeUInt32BE(data.length)
    crc.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, crc])
  }
  const beforePixels = (part: Buffer): Buffer => inserted(33, part)
  const inserted = (at: number, part: Buffer): Buffer =>
    Buffer.concat([upright.subarray(0, at), part, upright.subarray(at)])
  const rawProfile = (orientation: number): string => {
    const hex = Buffer.concat([bytesOf('Exif\0\0'), exif(orientation)]).toString('hex')
    return `\nexif\n${String(hex.length / 2).padStart(8)}\n${hex.slice(0, 40)}\n${hex.slice(40)}\n`
  }

  test.each<[string, Buffer]>([
    ['XMP', beforePixels(chunk('iTXt', Buffer.concat([bytesOf('XML:com.adobe.xmp\0\0\0\0\0'), xmp(6)])))],
    ['EXIF behind the pixels', inserted(upright.length - 12, chunk('eXIf', exif(6)))],
    ['EXIF with a word before it', beforePixels(chunk('eXIf', Buffer.concat([bytesOf('Exif\0\0'), exif(6)])))],
    ['EXIF as text', beforePixels(chunk('tEXt', bytesOf(`Raw profile type exif\0${rawProfile(6)}`)))],
    [
      'EXIF as compressed text',
      beforePixels(chunk('zTXt', Buffer.concat([bytesOf('Raw profile type exif\0\0'), deflateSync(rawProfile(6))]))),
    ],
  ])('turned by %s', async (_, bytes) => {
    const expected = await decodeImage(beforePixels(chunk('eXIf', exif(6))))
    const image = await decodeImage(bytes)
    expect([image.width, image.height]).toEqual([61, 97])
    expect(difference(image.data, expected.data)).toEqual(equal)
  })
})

test('WebP turned by XMP', async () => {
  const original = readFileSync(fixture('images-more', 'exif6.webp'))
  const at = original.indexOf('EXIF')
  const data = Buffer.concat([xmp(6), Buffer.alloc(xmp(6).length % 2)])
  const bytes = Buffer.concat([original.subarray(0, at), bytesOf('XMP \0\0\0\0'), data])
  bytes.writeUInt32LE(data.length, at + 4)
  bytes.writeUInt32LE(bytes.length - 8, 4)
  bytes.writeUInt8((bytes.readUInt8(20) & ~8) | 4, 20) // VP8X: no EXIF, but XMP
  const image = await decodeImage(bytes)
  expect([image.height, image.width, 3]).toEqual(reference.shape('ignore/exif6.webp'))
  expect(difference(image.data, reference.bytes('ignore/exif6.webp'))).toEqual(equal)
})

test('orientationOf bears any bytes', () => {
  const starts = [exif(6), Buffer.concat([bytesOf('Exif\0\0'), exif(3)]), bytesOf('II+\0\x08\0\0\0\x10')]
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.nat(30), fc.uint8Array({ maxLength: 60 }), (start, kept, rest) => {
      const bytes = Uint8Array.from([...start.subarray(0, kept), ...rest])
      expect([1, 2, 3, 4, 5, 6, 7, 8]).toContain(orientationOf(bytes, bytes))
    }),
  )
})
