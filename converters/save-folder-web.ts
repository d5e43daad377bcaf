import { FileError } from '../src/errors.js'

/** A page has no folders to write to: `toFiles()` gives the bytes to keep elsewhere. */
export function saveFolder(folder: string): Promise<never> {
  return Promise.reject(
    new FileError('A page can’t write files', { where: folder, hint: 'Use toFiles(), which returns names and bytes.' }),
  )
}
