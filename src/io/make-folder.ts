import { mkdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { errorCode } from './system-error.js'

/** As `mkdir` with `recursive`, which never ends where a system refuses new folders with ENOENT: Linux in /proc. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await make(folder)
  } catch (error) {
    const parent = path.dirname(folder)
    if (errorCode(error) !== 'ENOENT' || parent === folder) throw error
    await makeFolder(parent)
    await make(folder)
  }
}

/** Makes one folder, unless it is there, or another process is faster. */
async function make(folder: string): Promise<void> {
  await mkdir(folder).catch(async (error: unknown) => {
    const isFolder = (await stat(folder).catch(() => undefined))?.isDirectory() ?? false
    if (!isFolder) throw error
  })
}
