import { readFile } from 'node:fs/promises'
import { BackendError, ImageError } from '../../../src/errors.js'
import { decodeBytes, readFileBytes } from '../../../src/image/decode/decode-web.js'
import { fixture } from '../reference-arrays.js'

const limits = { maxPixels: 10 ** 6, where: 'a test' }

/** Stands for the browser: its bitmaps are 2 × 1, its canvas gives these pixels. */
const pixels = Uint8ClampedArray.from([1, 2, 3, 255, 4, 5, 6, 0])
const close = jest.fn()
const createImageBitmap = jest.fn(async (blob: Blob) => {
  if ((await blob.arrayBuffer()).byteLength < 100) throw new DOMException('The source image could not be decoded.')
  return { width: 2, height: 1, close }
})
class OffscreenCanvas {
  getContext(): object {
    return { drawImage: () => undefined, getImageData: () => ({ data: pixels }) }
  }
}

describe('decodeBytes in a page', () => {
  const page = { createImageBitmap, OffscreenCanvas }
  beforeEach(() => {
    jest.clearAllMocks()
    Object.assign(globalThis, page)
  })
  afterEach(() => {
    for (const name of Object.keys(page)) Reflect.deleteProperty(globalThis, name)
  })

  test('takes the pixels as they are in the file, upright', async () => {
    const image = await decodeBytes(await readFile(fixture('images', 'small-rgb.png')), limits)
    expect(image).toEqual({ width: 2, height: 1, channels: 4, data: pixels })
    expect(createImageBitmap).toHaveBeenCalledWith(expect.anything(), {
      colorSpaceConversion: 'none',
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
    })
    expect(close).toHaveBeenCalledTimes(1)
  })

  test('asks the header before the browser decodes', async () => {
    const bytes = await readFile(fixture('images', 'small-rgb.png'))
    await expect(decodeBytes(bytes, { ...limits, maxPixels: 97 * 61 - 1 })).rejects.toThrow(/97 × 61/)
    expect(createImageBitmap).not.toHaveBeenCalled()
  })

  test('decodes nothing of a size that is not known before', async () => {
    const avif = await readFile(fixture('images-more', 'plain.avif'))
    const bytes = Buffer.from(avif)
    bytes.write('xxxx', bytes.indexOf('ispe'), 'latin1')
    await expect(decodeBytes(bytes, limits)).rejects.toThrow(/no size/)
    expect(createImageBitmap).not.toHaveBeenCalled()
  })

  test('refuses what the browser can’t decode, and what is no image', async () => {
    const bytes = await readFile(fixture('images', 'small-rgb.png'))
    await expect(decodeBytes(bytes.subarray(0, 50), limits)).rejects.toThrow(ImageError)
    await expect(decodeBytes(Buffer.from('hello'), limits)).rejects.toThrow(ImageError)
  })

  test('says so where there is no browser', async () => {
    Reflect.deleteProperty(globalThis, 'OffscreenCanvas')
    await expect(decodeBytes(new Uint8Array(9), limits)).rejects.toThrow(BackendError)
  })
})

test('readFileBytes in a page fetches relative URLs', async () => {
  const fetch = jest.fn(() => Promise.resolve(new Response('bytes')))
  const bytes = await readFileBytes('images/cat.png', { maxBytes: 5, fetch })
  expect(new TextDecoder().decode(bytes)).toBe('bytes')
  expect(fetch).toHaveBeenCalledWith('images/cat.png', expect.anything())
  await expect(readFileBytes('images/cat.png', { maxBytes: 4, fetch })).rejects.toThrow(ImageError)
})
