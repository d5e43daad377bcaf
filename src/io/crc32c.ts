/** CRC-32C (Castagnoli), eight bytes a step. */
const tables = makeTables()

function makeTables(): readonly Uint32Array[] {
  const first = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    first[byte] = crc
  }
  const all = [first]
  for (let k = 1; k < 8; k++) {
    const last = all[k - 1] ?? first
    all.push(last.map((crc) => (first[crc & 0xff] ?? 0) ^ (crc >>> 8)))
  }
  return all
}

/** @param crc that of the preceding bytes, to continue from */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables
  let state = ~crc
  let at = 0
  if (t0 && t1 && t2 && t3 && t4 && t5 && t6 && t7) {
    for (const end = bytes.length - 7; at < end; at += 8) {
      const low =
        state ^
        ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24))
      state =
        (t7[low & 0xff] ?? 0) ^
        (t6[(low >>> 8) & 0xff] ?? 0) ^
        (t5[(low >>> 16) & 0xff] ?? 0) ^
        (t4[low >>> 24] ?? 0) ^
        (t3[bytes[at + 4] ?? 0] ?? 0) ^
        (t2[bytes[at + 5] ?? 0] ?? 0) ^
        (t1[bytes[at + 6] ?? 0] ?? 0) ^
        (t0[bytes[at + 7] ?? 0] ?? 0)
    }
  }
  for (; at < bytes.length; at++) state = (t0?.[(state ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (state >>> 8)
  return ~state >>> 0
}

/** As TensorFlow and LevelDB store it, so that the checksum of something that contains checksums stays one. */
export function maskedCrc32c(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
