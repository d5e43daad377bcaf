import { FileError } from '../errors.js'
import type { saveFolder as inNode } from './save-folder.js'

/** A browser has no folders to write to: `toFiles()` returns the bytes to store elsewhere. */
export const saveFolder: typeof inNode = (folder) => {
  return Promise.reject(
    new FileError('A browser can’t write files', {
      where: folder,
      hint: 'Use toFiles(), which returns names and bytes.',
    }),
  )
}
