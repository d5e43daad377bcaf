import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createInflateRaw } from 'node:zlib'

import { BackendError } from '../../errors.js'
import { pathInside } from './path-inside.js'
import { interrupted, messageOf } from './run-tool.js'

/** A file inside a wheel, as the zip's directory describes it. */
interface Member {
  readonly name: string
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  /** Where its local header begins. */
  readonly offset: number
}

/** How a wheel is unpacked. */
export interface WheelOptions {
  /** The path a member is written to inside the folder, or `undefined` to leave it out. */
  readonly rename: (member: string) => string | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the number of bytes that are written. */
  readonly onProgress?: ((bytes: number, total: number) => void) | undefined
}

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const LOCAL_HEADER = 0x04034b50
const DEFLATED = 8
/** The largest wheel has 2 MB of directory; a damaged one must not take more memory than that is worth. */
const MAX_DIRECTORY = 64 << 20

/**
 * Unpacks chosen files of a wheel (a zip without encryption or zip64) into a folder, streaming: a member may be larger
 * than memory. Sizes and checksums are compared with the directory's.
 *
 * @throws BackendError if the wheel is damaged or reaches out of the folder.
 */
export async function unpackWheel(path: string, folder: string, options: WheelOptions): Promise<void> {
  const { rename, signal, onProgress } = options
  const file = await open(path)
  try {
    const chosen = (await directory(file, path)).flatMap((member) => {
      const name = member.name.endsWith('/') ? undefined : rename(member.name)
      return name === undefined ? [] : [{ member, target: pathInside(folder, name, path) }]
    })
    const total = chosen.reduce((sum, { member }) => sum + member.size, 0)
    let written = 0
    for (const { member, target } of chosen) {
      const start = await contentStart(file, member, path)
      await mkdir(dirname(target), { recursive: true })
      await unpackMember({ path, start, member, target, signal }, (bytes) => {
        written += bytes
        onProgress?.(written, total)
      })
    }
  } finally {
    await file.close()
  }
}

async function directory(file: FileHandle, path: string): Promise<Member[]> {
  const { size } = await file.stat()
  const tail = await bytesAt(file, Math.max(0, size - 65_557), Math.min(size, 65_557), path)
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (end < 0 || end + 22 > tail.length || tail.readUInt32LE(end) !== END_OF_DIRECTORY)
    throw damaged(path, 'no directory')
  const count = tail.readUInt16LE(end + 10)
  const length = tail.readUInt32LE(end + 12)
  const start = tail.readUInt32LE(end + 16)
  if (start + length > size || length > MAX_DIRECTORY) throw damaged(path, 'a directory outside the file')
  const entries = await bytesAt(file, start, length, path)
  const members: Member[] = []
  for (let at = 0; members.length < count;) {
    if (at + 46 > length || entries.readUInt32LE(at) !== DIRECTORY_ENTRY) throw damaged(path, 'a broken directory')
    const nameLength = entries.readUInt16LE(at + 28)
    const member = {
      name: entries.toString('utf8', at + 46, at + 46 + nameLength),
      method: entries.readUInt16LE(at + 10),
      crc: entries.readUInt32LE(at + 16),
      packed: entries.readUInt32LE(at + 20),
      size: entries.readUInt32LE(at + 24),
      offset: entries.readUInt32LE(at + 42),
    }
    if (member.offset + 30 + member.packed > size) throw damaged(path, `${member.name} outside the file`)
    members.push(member)
    at += 46 + nameLength + entries.readUInt16LE(at + 30) + entries.readUInt16LE(at + 32)
  }
  return members
}

async function contentStart(file: FileHandle, { name, offset }: Member, path: string): Promise<number> {
  const header = await bytesAt(file, offset, 30, path)
  if (header.readUInt32LE(0) !== LOCAL_HEADER) throw damaged(path, `no header before ${name}`)
  return offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
}

interface Unpacking {
  readonly path: string
  readonly start: number
  readonly member: Member
  readonly target: string
  readonly signal: AbortSignal | undefined
}

async function unpackMember(unpacking: Unpacking, onBytes: (bytes: number) => void): Promise<void> {
  const { path, start, member, target, signal } = unpacking
  let size = 0
  let crc = 0
  const measured = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      crc = crc32(chunk, crc)
      onBytes(chunk.length)
      // The directory's word is checked while writing: a bomb must not fill the disk first.
      done(size > member.size ? damaged(path, `${member.name} larger than its directory says`) : null, chunk)
    },
  })
  const packed = createReadStream(path, { start, end: start + member.packed - 1, highWaterMark: 1 << 20 })
  const unpacker = createInflateRaw({ chunkSize: 1 << 20 })
  try {
    if (member.packed === 0) await open(target, 'w').then((empty) => empty.close())
    else if (member.method === DEFLATED) {
      await pipeline(packed, unpacker, measured, createWriteStream(target), { ...(signal && { signal }) })
    } else await pipeline(packed, measured, createWriteStream(target), { ...(signal && { signal }) })
  } catch (cause) {
    if (signal?.aborted) throw interrupted()
    throw cause instanceof BackendError ? cause : damaged(path, `${member.name}: ${messageOf(cause)}`)
  }
  if (size !== member.size || crc !== member.crc) throw damaged(path, `${member.name} differs from its checksum`)
}

async function bytesAt(file: FileHandle, position: number, length: number, path: string): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position })
  if (bytesRead !== length) throw damaged(path, 'an end too early')
  return buffer
}

function damaged(path: string, found: string): BackendError {
  return new BackendError('A wheel is damaged', {
    expected: 'a zip archive',
    found,
    where: path,
    hint: 'Delete it and run `npx siglip setup` again.',
  })
}
