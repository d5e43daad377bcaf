import type { Stats } from 'node:fs'
import { open, readdir, stat, type FileHandle } from 'node:fs/promises'
import path from 'node:path'
import { FileError } from '../errors.js'
import { allocatePages } from '../io/allocate-pages.js'
import { allocate, checkRange } from '../io/byte-range.js'
import type { CheckpointFolder } from './checkpoint-folder.js'
import { checkFileName } from '../io/file-name.js'
import { systemErrorCode } from '../io/system-error.js'

/** The most that one read call takes: Node refuses 2 GiB. */
const MAX_READ = 2 ** 30

/**
 * A checkpoint folder on disk. Symbolic links are followed. A checkpoint is read file by file and range by range: if another process
 * replaces the folder or a file in between, reading on would mix two of them, and is a FileError.
 */
export class LocalFolder implements CheckpointFolder {
  /** What stood at each path when it was first opened. */
  readonly #identities = new Map<string, string>()

  constructor(
    readonly location: string,
    readonly weightsFile?: string,
  ) {}

  /** The names of its own files, not of those in folders inside it. */
  async names(): Promise<readonly string[]> {
    try {
      const entries = await readdir(this.location, { withFileTypes: true })
      return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
    } catch (error) {
      throw fileError(error, this.location)
    }
  }

  async has(name: string): Promise<boolean> {
    return (await kindOf(this.path(name))) === 'file'
  }

  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.opened(name, async (file, size) => read(file, 0, size, this.path(name)))
  }

  async size(name: string): Promise<number> {
    return this.opened(name, (_, size) => Promise.resolve(size))
  }

  async range(name: string, start: number, end: number, room?: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.opened(name, async (file, size) => {
      checkRange(start, end, size, this.path(name))
      const memory =
        room === undefined ? undefined : allocatePages(room, this.path(name)).subarray(room - (end - start))
      return read(file, start, end, this.path(name), memory)
    })
  }

  private path(name: string): string {
    return path.join(this.location, checkFileName(name))
  }

  private async opened<T>(name: string, use: (file: FileHandle, size: number) => Promise<T>): Promise<T> {
    const where = this.path(name)
    const kind = await kindOf(where) // before opening, which would wait for ever at a pipe
    if (kind !== 'file') {
      throw new FileError(kind === undefined ? 'File not found' : 'The path is not a file', {
        expected: name,
        found: kind ?? (await contents(this.location)),
        where: this.location,
      })
    }
    let file: FileHandle | undefined
    try {
      file = await open(where)
      const found = await file.stat()
      this.#checkSame(where, found, [found.size, found.mtimeMs])
      this.#checkSame(this.location, await stat(this.location))
      return await use(file, found.size)
    } catch (error) {
      throw fileError(error, where)
    } finally {
      await file?.close()
    }
  }

  #checkSame(where: string, { dev, ino }: Stats, more: readonly number[] = []): void {
    const identity = [dev, ino, ...more].join(' ')
    const before = this.#identities.get(where) ?? identity
    this.#identities.set(where, before)
    if (identity === before) return
    throw new FileError('The checkpoint was replaced while it was read', {
      where,
      hint: 'Load it again.',
    })
  }
}

async function read(
  file: FileHandle,
  start: number,
  end: number,
  where: string,
  bytes = allocate(end - start, where),
): Promise<Uint8Array<ArrayBuffer>> {
  for (let filled = 0; filled < bytes.length;) {
    const length = Math.min(bytes.length - filled, MAX_READ)
    const { bytesRead } = await file.read(bytes, filled, length, start + filled)
    if (bytesRead === 0) checkRange(start, end, start + filled, where) // it shrank since its size was asked
    filled += bytesRead
  }
  return bytes
}

/** The kind of a path; undefined if nothing is there. */
export async function kindOf(
  location: string,
): Promise<'file' | 'directory' | 'neither a file nor a folder' | undefined> {
  try {
    const found = await stat(location)
    return found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'neither a file nor a folder'
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return undefined
    throw fileError(error, location)
  }
}

/** The names in a folder, for messages. */
export async function contents(location: string): Promise<string> {
  const names = await readdir(location).catch(() => undefined)
  if (names === undefined) return `nothing at ${location}`
  if (names.length === 0) return 'an empty folder'
  const shown = names.sort().slice(0, 10).join(', ')
  return `${shown}${names.length > 10 ? ` and ${names.length - 10} more` : ''} in ${location}`
}

function fileError(error: unknown, where: string): unknown {
  const code = systemErrorCode(error)
  if (code === undefined) return error
  const hint = code === 'EACCES' || code === 'EPERM' ? 'Check its permissions.' : undefined
  return new FileError('The file can’t be read', { found: code, where, hint, cause: error })
}
