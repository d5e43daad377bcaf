import { latin1 } from '../../io/latin1.js'

/** A segment of a JPEG file: marker and content. */
export interface JpegSegment {
  readonly marker: number
  readonly data: Uint8Array
}

/** The segments before the pixels, as far as they are contiguous. Never reads past the bytes. */
export function* jpegSegments(bytes: Uint8Array): Generator<JpegSegment> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff;) {
    const marker = view.getUint8(at + 1)
    const length = view.getUint16(at + 2)
    if (marker === START_OF_SCAN) return
    if (marker === 0xff) at += 1
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2
    else {
      yield { marker, data: bytes.subarray(at + 4, at + 2 + length) }
      at += 2 + length
    }
  }
}

const START_OF_SCAN = 0xda

/** Whether a segment is the frame header: precision, height, width, and the components with their ids. */
export function isFrame({ marker }: JpegSegment): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
}

/** A segment's content after the given prefix; undefined without the prefix. */
export function dataAfter(text: string, { data }: JpegSegment): Uint8Array | undefined {
  return latin1(data.subarray(0, text.length)) === text ? data.subarray(text.length) : undefined
}
