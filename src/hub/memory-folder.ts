import { FileError } from '../errors.js'
import { checkRange } from '../io/byte-range.js'
import type { CheckpointFolder } from './checkpoint-folder.js'
import { checkFileName } from '../io/file-name.js'

/** A checkpoint folder in memory: files that a user gave to a page, or a test made. Reading copies the bytes. */
export class MemoryFolder implements CheckpointFolder {
  /** @param files the bytes of each file by its name; `location` is only for messages. */
  constructor(
    private readonly files: ReadonlyMap<string, Uint8Array>,
    readonly location = 'memory',
  ) {}

  names(): Promise<readonly string[]> {
    return Promise.resolve([...this.files.keys()])
  }

  has(name: string): Promise<boolean> {
    return Promise.resolve(this.files.has(name))
  }

  async bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.range(name, 0, await this.size(name))
  }

  async size(name: string): Promise<number> {
    return Promise.resolve(this.file(name).length)
  }

  async range(name: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.file(name)
    checkRange(start, end, file.length, `${this.location}/${name}`)
    return Promise.resolve(Uint8Array.from(file.subarray(start, end)))
  }

  private file(name: string): Uint8Array {
    const file = this.files.get(checkFileName(name))
    if (file) return file
    const names = [...this.files.keys()].join(', ')
    throw new FileError('File not found', { expected: name, found: names || 'an empty folder', where: this.location })
  }
}
