import { open, readdir } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'

import { saveFile } from '../io/save-folder.js'
import { BackendError } from '../errors.js'
import { type InstalledFile, type Marker, MARKER, nativePaths, TFJS_NODE_VERSION } from '../backend/native-folder.js'
import { fileHash } from '../io/file-hash.js'
import { runTool } from './run-tool.js'

/** The facts about a finished folder. */
export interface MadeFolder {
  /** The folder inside it with all files of one build. */
  readonly root?: string
  readonly addon: string
  /** How the addon was made. */
  readonly compiler: string
  /** Hash of the sources it was compiled from, if it was. */
  readonly sources?: string
  /** Why the engine is missing, if it is. */
  readonly noEngine?: string | undefined
  /** Files that stay what they were: their hashes are those of the day they were checked, not of today. */
  readonly known?: Readonly<Record<string, InstalledFile>> | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Loads the addon in a separate process, since an incompatible library can end the process, brings all files to the disk and
 * writes the marker, which makes them the folder's in one moment.
 *
 * @throws BackendError if the addon does not load.
 */
export async function markFolder(folder: string, made: MadeFolder): Promise<Marker> {
  const { root = '.', addon, compiler, sources = null, noEngine = null, known, signal } = made
  const program = `
    try { process.stdout.write(require(process.argv[1]).TF_Version) }
    catch (error) { console.error(error.message); process.exit(1) }`
  const tensorflow = await runTool(process.execPath, ['-e', program, addon], { signal })
  if (!/^\d+\.\d+/.test(tensorflow)) throw new BackendError('The addon is not TensorFlow’s', { found: tensorflow })
  const portable = (path: string) => relative(folder, path).split(sep).join('/')
  const files: Record<string, InstalledFile> = { ...known }
  const from = known ? dirname(addon) : join(folder, root)
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    if (path === join(folder, MARKER) || entry.parentPath === nativePaths(join(folder, root)).objects) continue
    files[portable(path)] = await installedFile(path, signal)
  }
  const releases = { tfjsNode: TFJS_NODE_VERSION, tensorflow }
  const marker = { ...releases, root, addon: portable(addon), compiler, sources, noEngine, files }
  signal?.throwIfAborted()
  await saveFile(join(folder, MARKER), new TextEncoder().encode(JSON.stringify(marker, undefined, 1)))
  return marker
}

/** A file's size and hash, once it is on the disk: the marker must not be there before it. */
async function installedFile(path: string, signal: AbortSignal | undefined): Promise<InstalledFile> {
  const file = await open(path)
  try {
    await file.sync().catch(() => undefined) // Windows brings no file to the disk that is open for reading
    return { size: (await file.stat()).size, sha256: await fileHash(path, 'sha256', 'hex', signal) }
  } finally {
    await file.close()
  }
}
