import { isThere, readFileBytes } from '#decode'
import { InputError } from '../../errors.js'
import { base64Image } from './base64-image.js'
import { checkSize, collectBytes } from './collect-bytes.js'
import { fetchBytes } from './fetch-bytes.js'
import type { ImageInput, ReadOptions } from './image-input.js'
import { isBytes } from '../raw-image.js'
import type { RawPixels } from './raw-pixels.js'

const MAX_BYTES = 2 ** 28

/** The bytes of an image file, and where they come from, for messages. */
export interface FileBytes {
  readonly bytes: Uint8Array
  readonly where: string
}

/**
 * Reads an image file, wherever it is.
 *
 * @throws FileError if it can't be read; ImageError if it has more than `maxBytes`; InputError for an unsupported kind of input.
 */
export async function readBytes(input: Exclude<ImageInput, RawPixels>, options: ReadOptions): Promise<FileBytes> {
  const { maxBytes = MAX_BYTES } = options
  if (typeof input === 'string' || input instanceof URL) return readLocation(String(input), maxBytes, options)
  const bytes = isBytes(input) ? input : isArrayBuffer(input) ? new Uint8Array(input) : undefined
  if (bytes) {
    checkSize(bytes.length, maxBytes, 'the bytes given')
    return { bytes, where: 'the bytes given' }
  }
  if (isBlob(input)) {
    const where = 'name' in input && typeof input.name === 'string' ? input.name : 'the blob given'
    checkSize(input.size, maxBytes, where)
    return { bytes: new Uint8Array(await input.arrayBuffer()), where }
  }
  if (isStream(input)) {
    const where = 'the stream given'
    return { bytes: await collectBytes(input, maxBytes, where), where }
  }
  throw new InputError('Invalid image', {
    expected: 'a path, a URL, base64, bytes, a stream, a Blob or pixels',
    found: Object.prototype.toString.call(input).slice(8, -1),
    where: 'images',
  })
}

async function readLocation(location: string, maxBytes: number, options: ReadOptions): Promise<FileBytes> {
  const where = shown(location)
  if (/^(https?|data|blob):/i.test(location)) {
    return { bytes: await fetchBytes(location, where, maxBytes, options), where }
  }
  const isFile = location.length <= MAX_PATH && (await isThere(location))
  const bytes = isFile ? undefined : base64Image(location)
  if (bytes) {
    checkSize(bytes.length, maxBytes, where)
    return { bytes, where }
  }
  if (location.length > MAX_PATH) {
    throw new InputError('Invalid image', {
      expected: 'a path, a URL, or an image in base64',
      found: `a text of ${location.length} characters`,
      where,
      hint: 'If it is base64, its start is missing, or it does not encode an image.',
    })
  }
  return { bytes: await readFileBytes(location, { ...options, maxBytes }), where }
}

/** No system has longer paths. */
const MAX_PATH = 32_768

/** A location as messages show it: data: URLs and base64 hold the whole image. */
function shown(location: string): string {
  const most = /^data:/i.test(location) ? 30 : 1024
  if (location.length <= most) return location
  return `${location.slice(0, 30)}…`
}

function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return /^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value))
}

function isBlob(value: unknown): value is Blob {
  return typeof value === 'object' && value !== null && 'arrayBuffer' in value && 'size' in value
}

function isStream(value: unknown): value is AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || 'getReader' in value)
}
