import { ImageError } from '../../../src/errors.js'
import { decodeImage } from '../../../src/image/decode/decode-image.js'
import type { Transparency } from '../../../src/image/decode/raw-pixels.js'
import { readTiffTags, TiffTag } from '../../../src/image/decode/tiff-tags.js'

const [RGB, GREY, YCBCR] = [2, 1, 6]
const EXTRA = TiffTag.EXTRA_SAMPLES
const SAMPLE_FORMAT = 339

/** An uncompressed TIFF file of two pixels side by side; of each tag its numbers, of 16 bits. */
function tiff(
  pixels: readonly number[],
  photometric: number,
  more: Readonly<Record<number, readonly number[]>> = {},
): Buffer {
  const bands = pixels.length / 2
  const tags = Object.entries({
    256: [2],
    257: [1],
    258: new Array<number>(bands).fill(8),
    259: [1],
    262: [photometric],
    273: [8],
    277: [bands],
    278: [1],
    279: [pixels.length],
    ...more,
  }) // in the order of their numbers
  const start = 8 + pixels.length + (pixels.length % 2)
  const lists = start + 2 + tags.length * 12 + 4
  const file = Buffer.alloc(lists + tags.reduce((sum, [, numbers]) => sum + numbers.length * 2, 0))
  file.write('II*\0', 'latin1')
  file.writeUInt32LE(start, 4)
  file.set(pixels, 8)
  file.writeUInt16LE(tags.length, start)
  let free = lists
  for (const [i, [tag, numbers]] of tags.entries()) {
    const at = start + 2 + i * 12
    file.writeUInt16LE(Number(tag), at)
    file.writeUInt16LE(3, at + 2)
    file.writeUInt32LE(numbers.length, at + 4)
    const isLong = numbers.length > 2
    if (isLong) file.writeUInt32LE(free, at + 8)
    for (const [j, number] of numbers.entries()) file.writeUInt16LE(number, (isLong ? free : at + 8) + j * 2)
    if (isLong) free += numbers.length * 2
  }
  return file
}

const rgbx = [10, 20, 30, 0, 40, 50, 60, 51]
const rgb = [10, 20, 30, 40, 50, 60]
const onWhite = [255, 255, 255, 212, 214, 216]

// What Pillow 13 makes of these files.
test.each<[string, Buffer, Transparency, readonly number[]]>([
  ['a fourth band that isn’t alpha', tiff(rgbx, RGB, { [EXTRA]: [0] }), 'white', rgb],
  ['alpha', tiff(rgbx, RGB, { [EXTRA]: [2] }), 'white', onWhite],
  ['alpha, ignored', tiff(rgbx, RGB, { [EXTRA]: [2] }), 'ignore', rgb],
  ['a fourth band that nothing is said of', tiff(rgbx, RGB), 'white', onWhite],
  [
    'grey with a band that isn’t alpha',
    tiff([10, 0, 40, 51], GREY, { [EXTRA]: [0] }),
    'white',
    [10, 10, 10, 40, 40, 40],
  ],
  ['grey with alpha', tiff([10, 0, 40, 51], GREY, { [EXTRA]: [2] }), 'white', [255, 255, 255, 212, 212, 212]],
  ['two bands more', tiff([10, 20, 30, 0, 7, 40, 50, 60, 51, 8], RGB, { [EXTRA]: [0, 0] }), 'white', rgb],
  ['alpha and a band more', tiff([10, 20, 30, 0, 7, 40, 50, 60, 51, 8], RGB, { [EXTRA]: [2, 0] }), 'white', onWhite],
  ['samples with a sign', tiff([100, 200], GREY, { [SAMPLE_FORMAT]: [2] }), 'ignore', [100, 100, 100, 200, 200, 200]],
  ['orientation 0', tiff(rgb, RGB, { [TiffTag.ORIENTATION]: [0] }), 'ignore', rgb],
  ['orientation 9', tiff(rgb, RGB, { [TiffTag.ORIENTATION]: [9] }), 'ignore', rgb],
])('%s', async (_, file, transparency, expected) => {
  expect(Array.from((await decodeImage(file, { transparency })).data)).toEqual(expected)
})

test.each<[string, Buffer, string]>([
  ['YCbCr without JPEG', tiff([100, 128, 128, 100, 128, 128], YCBCR, { 530: [1, 1] }), 'YCbCr with compression 1'],
  ['five bands of grey', tiff([1, 2, 3, 4, 5, 1, 2, 3, 4, 5], GREY, { [EXTRA]: [0, 0, 0, 0] }), '5 bands'],
  [
    'a file cut off, of orientation 0',
    tiff(rgb, RGB, { [TiffTag.ORIENTATION]: [0], 279: [600], 273: [1000] }),
    'broken',
  ],
])('refuses %s', async (_, file, says) => {
  const error: unknown = await decodeImage(file).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ImageError)
  expect(String(error)).toContain(says)
})

test('readTiffTags reads both orders of bytes, and BigTIFF', () => {
  const orientation = [[TiffTag.ORIENTATION, 6]]
  const small = 'MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0'
  expect([...readTiffTags(Buffer.from(small, 'latin1'))]).toEqual(orientation)
  const big = 'II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0'
  expect([...readTiffTags(Buffer.from(big, 'latin1'))]).toEqual(orientation)
  expect([...readTiffTags(Buffer.from(big.slice(0, 40), 'latin1'))]).toEqual([])
})
