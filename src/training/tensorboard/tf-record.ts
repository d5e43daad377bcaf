import { crc32c, maskedCrc32c } from '../../io/crc32c.js'
import { joined } from '../../io/joined.js'

/**
 * A record of a TFRecord file: its length and its bytes, each followed by a checksum.
 * Source: `record_writer.h` of TensorFlow.
 */
export function tfRecord(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(content.length), true)
  return joined([length, maskedChecksum(length), content, maskedChecksum(content)])
}

/** Masked, as the checksum of data that holds checksums would be weak. */
function maskedChecksum(bytes: Uint8Array): Uint8Array {
  const checksum = new Uint8Array(4)
  new DataView(checksum.buffer).setUint32(0, maskedCrc32c(crc32c(bytes)), true)
  return checksum
}
