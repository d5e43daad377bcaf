/** Whether all elements are the same, to the bit. */
export function isRepeated(values: Float32Array | Int32Array | Uint8Array): boolean {
  const { buffer, byteOffset, length } = values
  const bits = values.BYTES_PER_ELEMENT === 4 ? new Int32Array(buffer, byteOffset, length) : values
  const first = bits[0]
  for (let i = 1; i < bits.length; i++) if (bits[i] !== first) return false
  return true
}
