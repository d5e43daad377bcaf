/** Decodes bytes as ISO 8859-1, for the short texts at the start of files. */
export function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
}
