/** What the lengths of the magic and of the header add up to a multiple of. */
const ALIGNMENT = 64

/**
 * The bytes before the data of a `.npy` file (version 1.0) of little-endian float32 in C order. The numbers
 * follow it. Source: NEP 1.
 */
export function npyHead(shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const tuple = shape.length === 1 ? `(${shape.join()},)` : `(${shape.join(', ')})`
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`
  const before = 10 // the magic, the version and the header's length
  const length = Math.ceil((before + header.length + 1) / ALIGNMENT) * ALIGNMENT - before
  const head = new Uint8Array(before + length)
  head.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0])
  new DataView(head.buffer).setUint16(8, length, true)
  head.set(new TextEncoder().encode(`${header.padEnd(length - 1)}\n`), before)
  return head
}
