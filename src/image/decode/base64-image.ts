import { readImageHeader } from './image-header.js'

/** No image has fewer letters; what is shorter is a name. */
const MIN_LENGTH = 40

/** A character outside both base64 alphabets: a search, since matching all of a long text takes the stack. */
const NO_LETTER = /[^A-Za-z0-9+/_-]/

/**
 * The bytes of an image that a text holds in base64, also broken into lines; undefined if it is not base64, or encodes something else. As
 * transformers' `load_image` takes them.
 */
export function base64Image(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length < MIN_LENGTH) return undefined
  const isImage = readImageHeader(decoded(text.slice(0, 256).replace(/\s+/g, '').slice(0, 88))).format !== undefined
  if (!isImage) return undefined
  const letters = text.replace(/\s+/g, '')
  const padding = letters.endsWith('==') ? 2 : letters.endsWith('=') ? 1 : 0
  return NO_LETTER.test(letters.slice(0, letters.length - padding)) ? undefined : decoded(letters)
}

/** The bytes of whole groups of letters; none if it is not base64. */
function decoded(letters: string): Uint8Array<ArrayBuffer> {
  const unpadded = letters.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/')
  const binary = binaryOf(unpadded)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

function binaryOf(letters: string): string {
  try {
    return atob(letters)
  } catch {
    return ''
  }
}
