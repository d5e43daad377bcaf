import type { FloatDtype } from './float-conversion.js'

/** What the lengths of the magic and of the header add up to a multiple of. */
const ALIGNMENT = 64

/** numpy's names of the types floats are written in. It has none for bfloat16: two bytes of nothing, as JAX's users store it. */
const descriptions: Readonly<Record<FloatDtype, string>> = { F64: '<f8', F32: '<f4', F16: '<f2', BF16: '<V2' }

/**
 * The bytes before the data of a `.npy` file (version 1.0) of little-endian floats in C order. The numbers
 * follow it. Source: NEP 1.
 */
export function npyHead(shape: readonly number[], dtype: FloatDtype = 'F32'): Uint8Array<ArrayBuffer> {
  const tuple = shape.length === 1 ? `(${shape.join()},)` : `(${shape.join(', ')})`
  const header = `{'descr': '${descriptions[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`
  const before = 10 // the magic, the version and the header's length
  const length = Math.ceil((before + header.length + 1) / ALIGNMENT) * ALIGNMENT - before
  const head = new Uint8Array(before + length)
  head.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0])
  new DataView(head.buffer).setUint16(8, length, true)
  head.set(new TextEncoder().encode(`${header.padEnd(length - 1)}\n`), before)
  return head
}
