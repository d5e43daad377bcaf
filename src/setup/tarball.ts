import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { messageOf } from '../io/system-error.js'
import { tarMembers } from '../io/tar.js'
import { BackendError, FormatError } from '../errors.js'
import { pathInside } from './path-inside.js'

/** tfjs-node's package holds 2 MB. */
const MAX_TAR_BYTES = 64 << 20

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
  const tar = await unzipped(path)
  const source = {
    name: path,
    size: tar.length,
    read: (start: number, end: number) => Promise.resolve(copied(tar, start, end)),
  }
  try {
    for await (const { name, start, size } of tarMembers(source)) {
      const kept = rename(name)
      if (kept === undefined) continue
      const target = pathInside(folder, kept, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, tar.subarray(start, start + size))
    }
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new BackendError('A package cannot be unpacked', { found: cause.found, where: path, cause })
  }
}

const copied = (tar: Buffer, start: number, end: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(tar.subarray(start, end))

async function unzipped(path: string): Promise<Buffer> {
  try {
    return gunzipSync(await readFile(path), { maxOutputLength: MAX_TAR_BYTES })
  } catch (cause) {
    throw new BackendError('A package cannot be unpacked', { found: messageOf(cause), where: path, cause })
  }
}
