import { FileError } from '../errors.js'
import type { saveFolder as inNode } from './save-folder.js'

/** A page has no folders to write to: `toFiles()` gives the bytes to keep elsewhere. */
export const saveFolder: typeof inNode = (folder) => {
  return Promise.reject(
    new FileError('A page can’t write files', { where: folder, hint: 'Use toFiles(), which returns names and bytes.' }),
  )
}
