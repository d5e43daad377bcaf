/// <reference lib="es2024.arraybuffer" />
import { allocate } from './byte-range.js'

/** From this size on whole pages are mapped: copying less is faster. */
const MIN_BYTES = 2 ** 20

/**
 * Memory for `length` bytes that begins where a page does, as a large block of `malloc` does not. TensorFlow shares the memory of an
 * array whose address is a multiple of 64, and copies any other, which makes a model twice as slow to load.
 *
 * Only a buffer that may be resized is sure to begin so; this one never is. Only for Node: WebGL does not accept such buffers.
 *
 * @throws FileError if the machine has no such block, naming the file `where`.
 */
export function allocatePages(length: number, where: string): Uint8Array<ArrayBuffer> {
  if (length < MIN_BYTES) return allocate(length, where)
  return allocate(length, where, () => new Uint8Array(new ArrayBuffer(length, { maxByteLength: length }), 0, length))
}
