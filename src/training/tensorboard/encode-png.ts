import { deflateSync } from 'node:zlib'
import { crc32 } from '../../io/crc32.js'
import { InputError } from '../../errors.js'
import type { RawPixels } from '../../image/decode/raw-pixels.js'
import { joined } from '../../io/joined.js'

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
/** PNG's numbers of grey, grey and alpha, colours, colours and alpha. */
const colourTypes = [0, 4, 2, 6]

/** An image as PNG and the samples a pixel has there. @throws {InputError} if the bytes don't fill the image */
export function encodePng({ data, width, height, channels }: RawPixels): {
  readonly png: Uint8Array
  readonly channels: number
} {
  const counted = channels ?? data.length / (width * height)
  const colourType = colourTypes[counted - 1]
  if (colourType === undefined || data.length !== width * height * counted) {
    throw new InputError('The bytes do not fill the image', {
      expected: `${height} × ${width} pixels of ${channels ?? '1 to 4'} bytes`,
      found: `${data.length} bytes`,
    })
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, colourType], 8)
  const row = width * counted
  const rows = new Uint8Array((row + 1) * height) // a byte before each row says that it is not filtered
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1)
  const parts = [signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', new Uint8Array(0))]
  return { png: joined(parts), channels: counted }
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const body = joined([new TextEncoder().encode(type), content])
  const frame = new DataView(new ArrayBuffer(8))
  frame.setUint32(0, content.length)
  frame.setUint32(4, crc32(body))
  return joined([new Uint8Array(frame.buffer, 0, 4), body, new Uint8Array(frame.buffer, 4, 4)])
}
