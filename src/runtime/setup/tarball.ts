import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { BackendError } from '../../errors.js'
import { pathInside } from './path-inside.js'
import { messageOf } from './run-tool.js'

const BLOCK = 512
/** tfjs-node's package holds 2 MB. */
const LARGEST = 64 << 20

/**
 * Unpacks chosen files of an npm package's `.tgz` (ustar) into a folder. Only plain files are written: nothing that npm
 * packs is a link.
 *
 * @param rename the path a member is written to inside the folder, or `undefined` to leave it out.
 * @throws BackendError if the archive is damaged, larger than 64 MB unpacked, or reaches out of the folder.
 */
export async function unpackTarball(
  path: string,
  folder: string,
  rename: (member: string) => string | undefined,
): Promise<void> {
  for (const { name, content } of members(await unzipped(path), path)) {
    const kept = rename(name)
    if (kept === undefined) continue
    const target = pathInside(folder, kept, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content)
  }
}

async function unzipped(path: string): Promise<Buffer> {
  try {
    return gunzipSync(await readFile(path), { maxOutputLength: LARGEST })
  } catch (cause) {
    throw new BackendError('A package cannot be unpacked', { found: messageOf(cause), where: path, cause })
  }
}

function* members(tar: Buffer, path: string): Generator<{ readonly name: string; readonly content: Buffer }> {
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) return
    const size = Number.parseInt(text(header, 124, 12), 8)
    const end = at + BLOCK + size
    if (!(size >= 0) || end > tar.length) throw new BackendError('A package is cut off', { where: path })
    const prefix = text(header, 345, 155)
    const name = text(header, 0, 100)
    const kind = text(header, 156, 1)
    if (kind === '' || kind === '0') {
      yield { name: prefix ? `${prefix}/${name}` : name, content: tar.subarray(at + BLOCK, end) }
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
}

function text(header: Buffer, start: number, length: number): string {
  const field = header.toString('utf8', start, start + length)
  return (field.split('\0', 1)[0] ?? '').trim()
}
