import { open, readdir, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { FileError } from '../errors.js'
import { allocate, checkRange } from './byte-range.js'
import type { CheckpointFolder } from './checkpoint-folder.js'
import { checkFileName } from './file-name.js'
import { clearInterruptedSaves } from './interrupted-save.js'
import { openFolder as openUrl } from './open-folder-web.js'

/** The most that one read call takes: Node refuses 2 GiB. */
const LARGEST_READ = 2 ** 30

/**
 * Opens a checkpoint folder on disk, or behind an `http:` or `https:` URL. Symbolic links are followed.
 *
 * @param source a path, or a `file:`, `http:` or `https:` URL.
 * @throws FileError if there is no such folder, saying what there is.
 */
export async function openFolder(source: string | URL): Promise<CheckpointFolder> {
  const text = String(source)
  if (/^https?:/i.test(text)) return openUrl(text)
  const location = path.resolve(/^file:/i.test(text) ? fileURLToPath(text) : text)
  let found = await kindOf(location)
  if (found === undefined) {
    await clearInterruptedSaves(location) // which may give it back
    found = await kindOf(location)
  }
  if (found === 'directory') return new LocalFolder(location)
  throw new FileError(found === undefined ? 'No such folder' : 'Not a folder', {
    expected: 'a folder with config.json and weights',
    found: found ?? (await contents(path.dirname(location))),
    where: location,
    hint: 'Give the path of the folder that holds the checkpoint.',
  })
}

class LocalFolder implements CheckpointFolder {
  constructor(readonly location: string) {}

  async has(name: string): Promise<boolean> {
    return (await kindOf(this.path(name))) === 'file'
  }

  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.opened(name, async (file, size) => read(file, 0, size, this.path(name)))
  }

  async size(name: string): Promise<number> {
    return this.opened(name, (_, size) => Promise.resolve(size))
  }

  async range(name: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.opened(name, async (file, size) => {
      checkRange(start, end, size, this.path(name))
      return read(file, start, end, this.path(name))
    })
  }

  private path(name: string): string {
    return path.join(this.location, checkFileName(name))
  }

  private async opened<T>(name: string, use: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
    const where = this.path(name)
    const kind = await kindOf(where) // before opening, which would wait for ever at a pipe
    if (kind !== 'file') {
      throw new FileError(kind === undefined ? 'No such file' : 'Not a file', {
        expected: name,
        found: kind ?? (await contents(this.location)),
        where: this.location,
      })
    }
    let file: FileHandle | undefined
    try {
      file = await open(where)
      return await use(file, (await file.stat()).size)
    } catch (error) {
      throw fileError(error, where)
    } finally {
      await file?.close()
    }
  }
}

async function read(file: FileHandle, start: number, end: number, where: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocate(end - start, where)
  for (let filled = 0; filled < bytes.length;) {
    const length = Math.min(bytes.length - filled, LARGEST_READ)
    const { bytesRead } = await file.read(bytes, filled, length, start + filled)
    if (bytesRead === 0) checkRange(start, end, start + filled, where) // it shrank since its size was asked
    filled += bytesRead
  }
  return bytes
}

/** What is at a path: undefined for nothing. */
async function kindOf(location: string): Promise<'file' | 'directory' | 'neither a file nor a folder' | undefined> {
  try {
    const found = await stat(location)
    return found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'neither a file nor a folder'
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined
    throw fileError(error, location)
  }
}

/** The names in a folder, for messages. */
async function contents(location: string): Promise<string> {
  const names = await readdir(location).catch(() => undefined)
  if (names === undefined) return `nothing at ${location}`
  if (names.length === 0) return 'an empty folder'
  const shown = names.sort().slice(0, 10).join(', ')
  return `${shown}${names.length > 10 ? ` and ${names.length - 10} more` : ''} in ${location}`
}

function fileError(error: unknown, where: string): unknown {
  const code = codeOf(error)
  if (code === '') return error
  const hint = code === 'EACCES' || code === 'EPERM' ? 'Check its permissions.' : undefined
  return new FileError('The file can’t be read', { found: code, where, hint, cause: error })
}

/** The operating system's name of an error (`ENOENT`), or an empty string for other errors. */
function codeOf(error: unknown): string {
  const isSystems = typeof error === 'object' && error !== null && 'syscall' in error && 'code' in error
  return isSystems ? String(error.code) : ''
}
