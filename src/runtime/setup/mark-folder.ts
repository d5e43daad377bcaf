import { readdir, rename, stat, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

import { BackendError } from '../../errors.js'
import { type InstalledFile, type Marker, MARKER, nativePaths, TFJS_NODE_VERSION } from '../native-folder.js'
import { fileHash } from './file-hash.js'
import { runTool } from './run-tool.js'

/** What is known of a folder that has been made. */
export interface MadeFolder {
  readonly addon: string
  /** How the addon was made. */
  readonly compiler: string
  /** Hash of the sources it was compiled from, if it was. */
  readonly sources?: string
  /** Why there is no engine, if there is none. */
  readonly noEngine?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Loads the addon in a process of its own, since a library that does not fit can end the process, and writes the marker
 * that makes the folder a finished one.
 *
 * @throws BackendError if the addon does not load.
 */
export async function markFolder(folder: string, made: MadeFolder): Promise<Marker> {
  const { addon, compiler, sources = null, noEngine = null, signal } = made
  const program = `
    try { process.stdout.write(require(process.argv[1]).TF_Version) }
    catch (error) { console.error(error.message); process.exit(1) }`
  const tensorflow = await runTool(process.execPath, ['-e', program, addon], { signal })
  if (!/^\d+\.\d+/.test(tensorflow)) throw new BackendError('The addon is not TensorFlow’s', { found: tensorflow })
  const portable = (path: string) => relative(folder, path).split(sep).join('/')
  const files: Record<string, InstalledFile> = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    if (path === join(folder, MARKER) || entry.parentPath === nativePaths(folder).objects) continue
    files[portable(path)] = { size: (await stat(path)).size, sha256: await fileHash(path, 'sha256', 'hex', signal) }
  }
  const marker = { tfjsNode: TFJS_NODE_VERSION, tensorflow, addon: portable(addon), compiler, sources, noEngine, files }
  const part = join(folder, `${MARKER}.part`)
  await writeFile(part, JSON.stringify(marker, undefined, 1))
  await rename(part, join(folder, MARKER)) // the folder may be in use
  return marker
}
