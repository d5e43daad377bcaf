import { readdir } from 'node:fs/promises'
import { FileError } from '../errors.js'

/** What is written goes into a folder that is new or empty. @throws FileError if it holds something, with what to do about it */
export async function checkEmpty(folder: string, hint: string): Promise<void> {
  const found = await readdir(folder).catch(() => [])
  if (found.length === 0) return
  throw new FileError('The folder is not empty', {
    expected: 'a new folder',
    found: found.slice(0, 5).join(', '),
    where: folder,
    hint,
  })
}
