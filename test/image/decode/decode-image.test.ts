import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { crc32 } from 'node:zlib'
import { FileError, ImageError, InputError } from '../../../src/errors.js'
import { decodeImage } from '../../../src/image/decode/decode-image.js'
import type { ImageInput } from '../../../src/image/decode/image-input.js'
import type { Transparency } from '../../../src/image/decode/raw-pixels.js'
import { difference, equal, fixture, referenceArrays } from '../reference-arrays.js'

const common = referenceArrays('images', 'siglip-processor-32.safetensors')
const more = referenceArrays('images-more', 'decoded.safetensors')

describe('pixels equal Pillow’s to the bit', () => {
  test.each(common.names('rgb/'))('%s', async (name) => {
    const image = await decodeImage(fixture('images', name.slice(4)))
    expect([image.height, image.width, 3]).toEqual(common.shape(name))
    expect(difference(image.data, common.bytes(name))).toEqual(equal)
  })

  test.each(more.names('').filter((name) => !name.endsWith('.avif')))('%s', async (name) => {
    const [transparency, file] = name.split('/')
    const image = await decodeImage(fixture('images-more', file!), { transparency: transparency as Transparency })
    expect([image.height, image.width, 3]).toEqual(more.shape(name))
    expect(difference(image.data, more.bytes(name))).toEqual(equal)
  })

  test.each<Transparency>(['ignore', 'white'])('16-bit grey with a transparent level, %s', async (transparency) => {
    const png = await readFile(fixture('images-more', 'gray16.png'))
    const key = Buffer.from('\0\0\0\x02tRNS\x01\x02\0\0\0\0', 'latin1')
    key.writeUInt32BE(crc32(key.subarray(4, 10)), 10)
    const image = await decodeImage(Buffer.concat([png.subarray(0, 33), key, png.subarray(33)]), { transparency })
    expect(difference(image.data, more.bytes('ignore/gray16.png'))).toEqual(equal)
  })

  // libheif and libavif upsample chroma each in its own way; without subsampling only rounding is left.
  test.each([
    ['plain.avif', 30],
    ['444.avif', 1],
  ])('%s within %i levels', async (file, levels) => {
    const image = await decodeImage(fixture('images-more', file))
    expect(difference(image.data, more.bytes(`ignore/${file}`)).largest).toBeLessThanOrEqual(levels)
  })

  test('the first frame of an animated AVIF', async () => {
    const { data, width, height } = await decodeImage(fixture('images-more', 'anim.avif'))
    expect([width, height]).toEqual([16, 12])
    const orange = Array.from({ length: 16 * 12 }, () => [200, 100, 50]).flat()
    expect(difference(data, orange).largest).toBeLessThanOrEqual(1)
  })
})

describe('the forms an image can have', () => {
  const file = fixture('images', 'small-rgb.png')
  let bytes: Buffer
  let server: Server
  let origin: string
  beforeAll(async () => {
    bytes = await readFile(file)
    server = createServer((request, response) => {
      if (request.url === '/small-rgb.png') response.end(bytes)
      else if (request.url === '/large') response.writeHead(200, { 'content-length': 2 ** 30 }).flushHeaders()
      else if (request.url === '/endless')
        void Readable.from(repeated(bytes))
          .on('error', () => undefined)
          .pipe(response)
      else if (request.url === '/broken')
        response.writeHead(200, { 'content-length': 999 }).write('abc', () => response.destroy())
      else if (request.url !== '/silent') response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  function* repeated(part: Uint8Array): Generator<Uint8Array> {
    for (;;) yield part
  }

  test.each<[string, () => ImageInput]>([
    ['a path', () => file],
    ['a file: URL', () => pathToFileURL(file)],
    ['an http: URL', () => `${origin}/small-rgb.png`],
    ['a data: URL', () => `data:image/png;base64,${bytes.toString('base64')}`],
    ['base64', () => bytes.toString('base64')],
    ['base64 in lines', () => bytes.toString('base64').replace(/.{76}/g, '$&\n')],
    ['a Buffer', () => bytes],
    ['a Uint8Array in the middle of a buffer', () => Uint8Array.from([1, 2, 3, ...bytes]).subarray(3)],
    ['an ArrayBuffer', () => Uint8Array.from(bytes).buffer],
    ['a Blob', () => new Blob([Uint8Array.from(bytes)])],
    ['a Node stream', () => createReadStream(file, { highWaterMark: 100 })],
    ['a web stream', () => new Blob([Uint8Array.from(bytes)]).stream()],
    ['an async iterable', () => Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)])],
  ])('%s', async (_, input) => {
    const image = await decodeImage(input())
    expect(difference(image.data, common.bytes('rgb/small-rgb.png'))).toEqual(equal)
  })

  test.each([
    [1, [10, 20], [10, 10, 10, 20, 20, 20]],
    [2, [10, 0, 20, 255], [10, 10, 10, 20, 20, 20]],
    [3, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]],
    [4, [1, 2, 3, 0, 4, 5, 6, 9], [1, 2, 3, 4, 5, 6]],
  ])('raw pixels of %i channels', async (channels, data, rgb) => {
    const pixels = { data: Uint8ClampedArray.from(data), width: 2, height: 1 }
    expect(Array.from((await decodeImage({ ...pixels, channels })).data)).toEqual(rgb)
    expect(Array.from((await decodeImage(pixels)).data)).toEqual(rgb)
  })

  test('transparent pixels on white', async () => {
    const pixels = { data: Uint8Array.from([0, 100, 200, 0, 0, 100, 200, 51, 0, 100, 200, 255]), width: 3, height: 1 }
    const { data } = await decodeImage(pixels, { transparency: 'white' })
    expect(Array.from(data)).toEqual([255, 255, 255, 204, 224, 244, 0, 100, 200])
  })

  const svg = "xmlns='http://www.w3.org/2000/svg' width='4' height='4'><rect width='4' height='4' fill='red'/></svg>"
  const tiny = { data: new Uint8Array(5), width: 1, height: 1 }
  test.each<[string, () => ImageInput, object, typeof FileError | typeof ImageError | typeof InputError, string]>([
    ['a missing file', () => '/nowhere/cat.png', {}, FileError, '/nowhere/cat.png'],
    ['a folder', () => fixture('images'), {}, FileError, 'a folder'],
    ['a device', () => '/dev/zero', {}, FileError, 'neither'],
    ['a URL with another host', () => 'file://elsewhere/cat.png', {}, FileError, 'elsewhere'],
    ['a large file', () => file, { maxBytes: 100 }, ImageError, 'at most 100 bytes'],
    ['many bytes', () => bytes, { maxBytes: 100 }, ImageError, 'at most 100 bytes'],
    ['a long stream', () => createReadStream(file), { maxBytes: 100 }, ImageError, 'at most 100 bytes'],
    ['a stream of objects', () => Readable.from([{}]) as ImageInput, {}, InputError, 'object'],
    ['a missing page', () => `${origin}/none`, {}, FileError, '404'],
    ['a silent server', () => `${origin}/silent`, { timeout: 50 }, FileError, '50 ms'],
    ['a long announced answer', () => `${origin}/large`, {}, ImageError, '1073741824'],
    ['an endless answer', () => `${origin}/endless`, { maxBytes: 10 ** 6 }, ImageError, 'at most 1000000'],
    ['an answer that breaks off', () => `${origin}/broken`, { timeout: 500 }, FileError, 'broke off'],
    ['no time at all', () => `${origin}/small-rgb.png`, { timeout: NaN }, InputError, 'NaN'],
    ['no server', () => 'http://127.0.0.1:1/a.png', {}, FileError, '127.0.0.1:1'],
    ['bad data: URLs', () => 'data:image/png;base64,?', {}, FileError, 'data:'],
    ['no bytes', () => new Uint8Array(0), {}, ImageError, '0 bytes'],
    ['text', () => Buffer.from('hello, world'), {}, ImageError, 'expected JPEG, PNG'],
    ['a web page', () => Buffer.from('<!DOCTYPE html><html></html>'), {}, ImageError, 'HTML'],
    ['SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), {}, ImageError, 'SVG'],
    ['SVG with WEBP in it', () => Buffer.from(`<svg a='WEBP' ${svg}`), {}, ImageError, 'SVG'],
    ['SVG with the brand of AVIF in it', () => Buffer.from(`<!--ftypavif--><svg ${svg}`), {}, ImageError, 'SVG'],
    ['base64 of SVG', () => Buffer.from(`<svg ${svg}`).toString('base64'), {}, ImageError, 'SVG'],
    ['base64 that is large', () => bytes.toString('base64'), { maxBytes: 100 }, ImageError, 'at most 100 bytes'],
    ['base64 that is cut off', () => bytes.subarray(0, 9000).toString('base64'), {}, ImageError, 'broken'],
    ['a long text', () => 'a'.repeat(300_000), {}, InputError, 'a text of 300000 characters'],
    ['a long path', () => `${'a/'.repeat(3000)}a.png`, {}, FileError, 'a/a/'],
    ['a long URL', () => `http://127.0.0.1:1/${'a'.repeat(300_000)}`, {}, FileError, 'http://127'],
    ['BMP', () => fixture('images-more', 'plain.bmp'), {}, ImageError, 'BMP'],
    ['a cut-off PNG', () => bytes.subarray(0, 9000), {}, ImageError, 'broken'],
    ['only a PNG’s beginning', () => bytes.subarray(0, 20), {}, ImageError, 'broken'],
    ['50,000 × 50,000 pixels', () => enormousPng(), {}, ImageError, '50000 × 50000'],
    ['more pixels than allowed', () => file, { maxPixels: 97 * 61 - 1 }, ImageError, '97 × 61'],
    ['pixels that don’t fill their size', () => tiny, {}, InputError, '5 bytes'],
    ['pixels without width', () => ({ ...tiny, width: 0 }), {}, InputError, 'width'],
    ['null', () => null as unknown as ImageInput, {}, InputError, 'Null'],
    ['a number', () => 7 as unknown as ImageInput, {}, InputError, 'Number'],
    ['an object', () => ({}) as ImageInput, {}, InputError, 'Object'],
  ])('refuses %s', async (_, input, options, ErrorClass, says) => {
    const error: unknown = await decodeImage(input(), options).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ErrorClass)
    expect(String(error)).toContain(says)
    expect(String(error)).not.toContain('\n')
    expect(String(error).length).toBeLessThan(2000)
  })

  /** A PNG that says it is 50,000 pixels wide and high, and holds almost nothing. */
  function enormousPng(): Uint8Array {
    const enormous = Buffer.from(bytes)
    enormous.writeUInt32BE(50_000, 16)
    enormous.writeUInt32BE(50_000, 20)
    return enormous
  }
})
