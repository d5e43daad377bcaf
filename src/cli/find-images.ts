import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { FileError } from '../errors.js'
import { isImageName, isToolMade } from '../image/image-files.js'
import { leftOutImages } from '../image/left-out-images.js'
import { errorCode } from '../io/system-error.js'

/** Standard input, as an argument. */
export const STDIN = '-'

/**
 * The images that arguments mean: files, `-` and http(s) URLs as they are, the images of a folder (not of those inside it), the
 * matches of a glob pattern, each sorted. An argument that exists under its literal name is not a pattern; the same holds for a pattern's first folders. Patterns
 * take no notice of upper and lower case. What is hidden or made by a tool ({@link isToolMade}) is left out, unless it is named.
 *
 * @param onLeftOut gets one line for each folder: how many of its images are in formats that are not decoded
 * @throws {FileError} for a folder without images or that can't be read, and for a pattern without matches
 */
export async function findImages(
  args: readonly string[],
  onLeftOut: (line: string) => void = () => undefined,
): Promise<string[]> {
  const found: string[] = []
  for (const arg of args) for (const image of await imagesOf(arg, onLeftOut)) found.push(image)
  return found
}

async function imagesOf(arg: string, onLeftOut: (line: string) => void): Promise<readonly string[]> {
  if (arg === STDIN || /^(https?|file|data):/i.test(arg)) return [arg]
  const entry = await stat(arg).catch(() => undefined)
  if (entry) return entry.isDirectory() ? imagesIn(arg, onLeftOut) : [arg]
  const { glob, isDynamicPattern } = await import('tinyglobby')
  if (!isDynamicPattern(arg)) return [arg] // reading it will say what is wrong
  const { folder, pattern } = await splitPattern(path.sep === '\\' ? arg.replaceAll('\\', '/') : arg)
  const matches = await glob(pattern, { cwd: folder || '.', caseSensitiveMatch: false, expandDirectories: false })
  const named = new Set(pattern.split('/'))
  const isMeant = (part: string): boolean => part.startsWith('.') || named.has(part) || !isToolMade(part) // glob leaves dots out
  const images = matches.filter((match) => match.split('/').every(isMeant))
  if (images.length > 0) return images.map((name) => folder + name).sort()
  throw new FileError('The pattern matches no file', { found: arg, hint: 'Put the pattern in quotes, and check it.' })
}

/** Parts the folders that a pattern begins with from the rest: `photos [2024]` may be a name. */
async function splitPattern(arg: string): Promise<{ readonly folder: string; readonly pattern: string }> {
  let end = 0
  for (let next = arg.indexOf('/'); next >= 0; next = arg.indexOf('/', next + 1)) {
    const entry = await stat(arg.slice(0, next + 1)).catch(() => undefined)
    if (!entry?.isDirectory()) break
    end = next + 1
  }
  return { folder: arg.slice(0, end), pattern: arg.slice(end) }
}

async function imagesIn(folder: string, onLeftOut: (line: string) => void): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    const found = errorCode(cause)
    throw new FileError('The folder can’t be read', { found, where: folder, hint: 'Check its permissions.', cause })
  })
  const own = names.filter((name) => !isToolMade(name))
  const images = own.filter(isImageName).sort()
  const leftOut = leftOutImages(folder, own)
  if (images.length > 0) {
    if (leftOut !== undefined) onLeftOut(leftOut)
    return images.map((name) => path.join(folder, name))
  }
  throw new FileError('The folder contains no images', {
    expected: 'JPEG, PNG, WebP, GIF, TIFF or AVIF files',
    found: `${names.length} other files`,
    where: folder,
    hint: leftOut ?? 'Folders inside it are not searched: give a pattern such as "photos/**/*.jpg".',
  })
}
