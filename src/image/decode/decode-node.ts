import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { FileError, SiglipError } from '../../errors.js'
import { errorCode } from '../../io/system-error.js'
import { checkSize } from './collect-bytes.js'
import type { DecodeLimits } from './image-header.js'
import type { RawPixels } from './raw-pixels.js'
import { decodeWithJpegJs } from './decode-jpeg-js.js'
import { decodeWithSharp, type Sharp } from './decode-sharp.js'

/**
 * Decodes an image file with sharp; where sharp can't be loaded, JPEG files with jpeg-js.
 *
 * @returns its pixels, upright, with alpha if the file has any.
 * @throws ImageError if it is not an image or broken, or has more than `maxPixels`.
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
export async function readFileBytes(
  location: string,
  { maxBytes }: { readonly maxBytes: number },
): Promise<Uint8Array> {
  try {
    const file = /^file:/i.test(location) ? fileURLToPath(location) : location
    const found = await stat(file) // before opening, which would wait for ever at a pipe
    if (!found.isFile()) throw notAFile(found.isDirectory(), location)
    checkSize(found.size, maxBytes, location)
    return await readFile(file)
  } catch (error) {
    throw fileError(error, location)
  }
}

/** Whether there is anything at a path or `file:` URL. */
export async function isThere(location: string): Promise<boolean> {
  try {
    await stat(/^file:/i.test(location) ? fileURLToPath(location) : location)
    return true
  } catch {
    return false
  }
}

function notAFile(isFolder: boolean, where: string): FileError {
  return new FileError('The path is not an image file', {
    expected: 'a file',
    found: isFolder ? 'a folder' : 'neither a file nor a folder',
    where,
    hint: isFolder ? 'Name a file in it.' : undefined,
  })
}

/** Translates errors of the operating system; others are unchanged. */
function fileError(error: unknown, where: string): unknown {
  const code = errorCode(error) ?? ''
  if (error instanceof SiglipError) return error
  if (['ENOENT', 'ENOTDIR'].includes(code)) {
    return new FileError('Image not found', {
      expected: 'a file',
      found: 'nothing',
      where,
      hint: 'Check the path.',
      cause: error,
    })
  }
  const hint = ['EACCES', 'EPERM'].includes(code) ? 'Check its permissions.' : undefined
  return new FileError('The image can’t be read', { found: code || String(error), where, hint, cause: error })
}
