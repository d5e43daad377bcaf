import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { FileError } from '../errors.js'
import { checkSize } from './collect-bytes.js'
import type { DecodeLimits } from './picture-header.js'
import type { RawPixels } from './raw-pixels.js'
import { decodeWithJpegJs } from './decode-jpeg-js.js'
import { decodeWithSharp, type Sharp } from './decode-sharp.js'

/**
 * Decodes a picture file with sharp; where sharp can't be loaded, JPEG files with jpeg-js.
 *
 * @returns its pixels, upright, with alpha if the file has any.
 * @throws ImageError if it is no picture, broken, or has more than `maxPixels`.
 */
export async function decodeBytes(bytes: Uint8Array, limits: DecodeLimits): Promise<RawPixels> {
  const sharp = await loadSharp()
  return sharp ? decodeWithSharp(sharp, bytes, limits) : decodeWithJpegJs(bytes, limits)
}

/** sharp's binary is built for common systems only; undefined elsewhere. */
async function loadSharp(): Promise<Sharp | undefined> {
  try {
    return (await import('sharp')).default
  } catch {
    return undefined
  }
}

/**
 * The bytes of a file on disk.
 *
 * @param location a path or `file:` URL.
 * @throws FileError if it can't be read; ImageError if it has more than `maxBytes`.
 */
export async function readFileBytes(location: string, maxBytes: number): Promise<Uint8Array> {
  const file = path.resolve(/^file:/i.test(location) ? fileURLToPath(location) : location)
  try {
    const found = await stat(file) // before opening, which would wait for ever at a pipe
    if (!found.isFile()) {
      throw new FileError('Not a picture file', {
        expected: 'a file',
        found: found.isDirectory() ? 'a folder' : 'neither a file nor a folder',
        where: location,
        hint: found.isDirectory() ? 'Name a file in it.' : undefined,
      })
    }
    checkSize(found.size, maxBytes, location)
    return await readFile(file)
  } catch (error) {
    const code = error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined
    if (code === undefined) throw error
    const missing = code === 'ENOENT' || code === 'ENOTDIR'
    throw new FileError(missing ? 'No such picture' : 'The picture can’t be read', {
      expected: missing ? 'a file' : undefined,
      found: missing ? 'nothing' : code,
      where: file,
      hint: missing ? 'Check the path.' : 'Check its permissions.',
      cause: error,
    })
  }
}
