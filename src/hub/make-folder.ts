import { mkdir, stat } from 'node:fs/promises'
import path from 'node:path'

/** As `mkdir` with `recursive`, which never ends where a system refuses new folders with ENOENT: Linux in /proc. */
export async function makeFolder(folder: string): Promise<void> {
  if (await isFolder(folder)) return
  const parent = path.dirname(folder)
  if (parent !== folder) await makeFolder(parent)
  await mkdir(folder).catch(async (error: unknown) => {
    if (!(await isFolder(folder))) throw error // else another process was faster
  })
}

async function isFolder(location: string): Promise<boolean> {
  return (await stat(location).catch(() => undefined))?.isDirectory() ?? false
}
