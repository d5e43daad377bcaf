import { dtypeBits, type Dtype } from './dtypes.js'
import { toFloat32 } from './float-conversion.js'

/** Elements that are widened at once: what they and their floats take stays in the processor's cache. */
const BLOCK = 2 ** 16

/**
 * Elements as float32, widened where they are: their codes are at the end of the floats' memory, and each is read before a float is
 * written over it.
 *
 * @param dtype one of at most 32 bits and of whole bytes.
 * @param bytes the end of a buffer that has room for the floats and no more. They are gone afterwards.
 * @throws FormatError as `toFloat32` does.
 */
export function widen(dtype: Dtype, bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  if (dtype === 'F32') return toFloat32(dtype, bytes)
  const width = dtypeBits[dtype] / 8
  const floats = new Float32Array(bytes.buffer, 0, bytes.length / width)
  // Through small arrays: Node's own memory of whole pages is slow to reach element by element, and fast to copy.
  const codes = new Uint8Array(width * Math.min(BLOCK, floats.length))
  const block = new Float32Array(Math.min(BLOCK, floats.length))
  for (let from = 0; from < floats.length; from += BLOCK) {
    const part = bytes.subarray(width * from, width * (from + BLOCK))
    codes.set(part)
    const count = part.length / width
    floats.set(toFloat32(dtype, codes.subarray(0, part.length), block.subarray(0, count)), from)
  }
  return floats
}
