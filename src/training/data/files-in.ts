import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { FileError } from '../../errors.js'
import { isToolMade } from '../../image/image-files.js'

/** A folder that is walked through. */
interface Walked {
  /** Relative, with `/` between its parts; empty for the first. */
  readonly name: string
  /** Where it is, without symbolic links. */
  readonly real: string
  /** The real folders that links were followed from, up to here. */
  readonly left: readonly string[]
}

/**
 * All files in a folder and the folders inside, with `/` between the parts of their names, sorted. Symbolic links are followed, but not
 * into a folder that they are in. What is hidden or made by a tool is left out ({@link isToolMade}).
 *
 * @throws {FileError} if a folder can't be read
 */
export async function filesIn(folder: string): Promise<readonly string[]> {
  const files: string[] = []
  const walked: Walked[] = [{ name: '', real: await realFolder(folder), left: [] }]
  for (const at of walked) {
    for (const entry of await entriesOf(path.join(folder, at.name))) {
      if (isToolMade(entry.name)) continue
      const name = at.name === '' ? entry.name : `${at.name}/${entry.name}`
      const inside = await folderBehind(entry, name, at)
      if (inside === undefined) files.push(name)
      else if (inside !== 'around') walked.push(inside)
    }
  }
  return files.sort()
}

/** The folder that an entry is, or leads to; `around` for a link to a folder that it is in, and undefined for a file. */
async function folderBehind(entry: Dirent, name: string, at: Walked): Promise<Walked | 'around' | undefined> {
  const place = path.join(at.real, entry.name)
  if (entry.isDirectory()) return { name, real: place, left: at.left }
  if (!entry.isSymbolicLink()) return undefined
  const target = await stat(place).catch(() => undefined)
  if (!target?.isDirectory()) return undefined // of a link to nowhere, reading it says so
  const real = await realpath(place)
  const left = [...at.left, at.real]
  return left.some((one) => one === real || one.startsWith(real + path.sep)) ? 'around' : { name, real, left }
}

async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder)
  } catch (cause) {
    throw unreadable(folder, cause)
  }
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    throw unreadable(folder, cause)
  }
}

function unreadable(folder: string, cause: unknown): FileError {
  const found = cause instanceof Error ? cause.message : String(cause)
  return new FileError('The folder can’t be read', { found, where: folder, hint: 'Check the path.', cause })
}
