/** The characters whose codes bytes are: ASCII, and beyond it ISO 8859-1. For the short texts that files begin with. */
export function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
}
