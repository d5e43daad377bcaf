import { readFile } from 'node:fs/promises'
import { ImageError } from '../../../src/errors.js'
import { decodeBytes } from '../../../src/image/decode/decode-node.js'
import { decodeWithJpegJs } from '../../../src/image/decode/decode-jpeg-js.js'
import { fixture } from '../reference-arrays.js'

jest.mock('sharp', () => {
  throw new Error('Could not load the "sharp" module using the linux-riscv64 runtime')
})

const limits = { maxPixels: 10 ** 6, where: 'a test' }

describe('decodeBytes where sharp can’t be loaded', () => {
  test('decodes JPEG with jpeg-js', async () => {
    const bytes = await readFile(fixture('images', 'exif-rotated.jpg'))
    expect(await decodeBytes(bytes, limits)).toEqual(decodeWithJpegJs(bytes, limits))
  })

  test('says what to install for the other formats', async () => {
    const decoded = decodeBytes(await readFile(fixture('images', 'gray.png')), limits)
    await expect(decoded).rejects.toThrow(ImageError)
    await expect(decoded).rejects.toThrow(/npm install sharp/)
  })
})
