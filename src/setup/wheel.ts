import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createInflateRaw } from 'node:zlib'

import { messageOf } from '../io/system-error.js'
import { BackendError, FormatError } from '../errors.js'
import type { ByteSource } from '../io/byte-source.js'
import { dataBegin, type ZipEntry, zipEntries } from '../io/zip.js'
import { pathInside } from './path-inside.js'
import { interrupted } from './run-tool.js'

/** How a wheel is unpacked. */
export interface WheelOptions {
  /** The path a member is written to inside the folder, or `undefined` to leave it out. */
  readonly rename: (member: string) => string | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the number of bytes that are written. */
  readonly onProgress?: ((bytes: number, total: number) => void) | undefined
}

const DEFLATED = 8

/**
 * Unpacks chosen files of a wheel, which is a zip archive, into a folder, streaming: a member may be larger than memory. Sizes and
 * checksums are compared with the archive's list.
 *
 * @throws BackendError if the wheel is damaged or reaches out of the folder.
 */
export async function unpackWheel(path: string, folder: string, options: WheelOptions): Promise<void> {
  const { rename, signal, onProgress } = options
  const file = await open(path)
  try {
    const source = await sourceOf(file, path)
    const chosen = (await zipEntries(source)).flatMap((member) => {
      const name = member.name.endsWith('/') ? undefined : rename(member.name)
      return name === undefined ? [] : [{ member, target: pathInside(folder, name, path) }]
    })
    const total = chosen.reduce((sum, { member }) => sum + member.size, 0)
    let written = 0
    for (const { member, target } of chosen) {
      const start = await dataBegin(source, member)
      await mkdir(dirname(target), { recursive: true })
      await unpackMember({ path, start, member, target, signal }, (bytes) => {
        written += bytes
        onProgress?.(written, total)
      })
    }
  } catch (cause) {
    throw cause instanceof FormatError ? damaged(path, cause.message) : cause
  } finally {
    await file.close()
  }
}

/** The wheel's bytes in ranges. */
async function sourceOf(file: FileHandle, name: string): Promise<ByteSource> {
  const { size } = await file.stat()
  return {
    name,
    size,
    async read(start, end) {
      const { buffer, bytesRead } = await file.read({ buffer: new Uint8Array(end - start), position: start })
      return buffer.subarray(0, bytesRead)
    },
  }
}

interface Unpacking {
  readonly path: string
  readonly start: number
  readonly member: ZipEntry
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
  const packed = createReadStream(path, { start, end: start + member.packedSize - 1, highWaterMark: 1 << 20 })
  const unpacker = createInflateRaw({ chunkSize: 1 << 20 })
  try {
    if (member.packedSize === 0) await open(target, 'w').then((empty) => empty.close())
    else if (member.method === DEFLATED) {
      await pipeline(packed, unpacker, measured, createWriteStream(target), { ...(signal && { signal }) })
    } else await pipeline(packed, measured, createWriteStream(target), { ...(signal && { signal }) })
  } catch (cause) {
    if (signal?.aborted) throw interrupted()
    throw cause instanceof BackendError ? cause : damaged(path, `${member.name}: ${messageOf(cause)}`)
  }
  if (size !== member.size || crc !== member.checksum) throw damaged(path, `${member.name} differs from its checksum`)
}

function damaged(path: string, found: string): BackendError {
  return new BackendError('A wheel is damaged', {
    expected: 'a zip archive',
    found,
    where: path,
    hint: 'Delete it and run `npx siglip setup` again.',
  })
}
