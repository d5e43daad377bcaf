import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { FileError } from '../errors.js'
import { errorCode } from './error-code.js'

/** The files of a folder that are taken for pictures. */
const PICTURE = /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|avif)$/i

/** Standard input, as an argument. */
export const STDIN = '-'

/**
 * The pictures that arguments mean: files, `-` and http(s) URLs as they are, the pictures of a folder (not of those inside it), the
 * matches of a glob pattern, each sorted. What exists under its literal name is no pattern.
 *
 * @throws {FileError} for a folder without pictures or that can't be read, and for a pattern without matches
 */
export async function findPictures(args: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const arg of args) found.push(...(await picturesOf(arg)))
  return found
}

async function picturesOf(arg: string): Promise<readonly string[]> {
  if (arg === STDIN || /^(https?|file|data):/i.test(arg)) return [arg]
  const entry = await stat(arg).catch(() => undefined)
  if (entry) return entry.isDirectory() ? picturesIn(arg) : [arg]
  const { glob, isDynamicPattern } = await import('tinyglobby')
  if (!isDynamicPattern(arg)) return [arg] // reading it will say what is wrong
  const matches = await glob(path.sep === '\\' ? arg.replaceAll('\\', '/') : arg, { expandDirectories: false })
  if (matches.length > 0) return matches.sort()
  throw new FileError('No file matches', { found: arg, hint: 'Put the pattern in quotes, and check it.' })
}

async function picturesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    const found = errorCode(cause)
    throw new FileError('The folder can’t be read', { found, where: folder, hint: 'Check its permissions.', cause })
  })
  const pictures = names.filter((name) => PICTURE.test(name)).sort()
  if (pictures.length > 0) return pictures.map((name) => path.join(folder, name))
  throw new FileError('No pictures in the folder', {
    expected: 'JPEG, PNG, WebP, GIF, TIFF or AVIF files',
    found: `${names.length} other files`,
    where: folder,
    hint: 'Folders inside it are not searched: give a pattern such as "photos/**/*.jpg".',
  })
}
