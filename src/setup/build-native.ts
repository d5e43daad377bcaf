import { mkdtemp, rm } from 'node:fs/promises'
import { join, posix } from 'node:path'

import { messageOf } from '../io/system-error.js'
import { cacheFolder } from '../backend/cache-folder.js'
import { ADDONS, addonPaths, type Marker, type NativeFolder, nativePaths } from '../backend/native-folder.js'
import { compileAddon, findCompiler } from './compile-addon.js'
import { compileEngine } from './compile-engine.js'
import { markFolder } from './mark-folder.js'
import { sourcesHash } from './native-sources.js'
import { interrupted } from './run-tool.js'
import type { SetupProgress } from './setup-progress.js'
import { fetchWheel, tensorflowWheel } from './tensorflow-wheel.js'
import { fetchTfjsNode, TFJS_NODE } from './tfjs-node-package.js'
import { unpackWheel } from './wheel.js'

/** How a native backend is made. */
export interface MakeOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: SetupProgress) => void) | undefined
}

/** Where a native backend is made: an empty folder `root` inside `folder`, whose marker does not name it yet. */
export interface NewRoot {
  readonly folder: string
  readonly root: string
}

/**
 * Builds the native backend in an empty root: tfjs-node's JavaScript from npm, TensorFlow's C library from PyPI, and
 * the addon between them.
 *
 * @throws BackendError saying which of npm, pip and the compiler failed, and how.
 */
export async function buildNative(place: NewRoot, { signal, onProgress }: MakeOptions): Promise<Marker> {
  const root = join(place.folder, place.root)
  const wheel = tensorflowWheel()
  const compiler = await findCompiler(signal) // before anything large is downloaded in vain
  const report = (step: SetupProgress['step'], message: string) => (bytes: number, total: number) =>
    onProgress?.({ step, message, bytes, total })

  onProgress?.({ step: 'tfjs-node', message: TFJS_NODE.spec })
  await fetchTfjsNode(nativePaths(root).tfjsNode, signal)

  const onDownload = report('download', wheel.file)
  const path = await fetchWheel(wheel, join(cacheFolder(), 'downloads'), { signal, onProgress: onDownload })

  const rename = (member: string) => keptFile(member, wheel.libraries)
  const onUnpack = report('unpack', 'TensorFlow’s C library')
  await unpackWheel(path, root, { rename, signal, onProgress: onUnpack })

  return compileAddons(place, compiler, { signal, onProgress })
}

/**
 * Recompiles the addons of a finished folder when their sources have changed since it was built. Nothing is
 * downloaded. They are built beside the existing ones and replace them atomically, once they have been loaded successfully; until
 * then, and if it fails, those stay.
 *
 * @throws BackendError if there is no compiler, or it fails.
 */
export async function rebuildAddons({ path, marker }: NativeFolder, options: MakeOptions): Promise<Marker> {
  const compiler = await findCompiler(options.signal)
  const names = Object.values(addonPaths('.'))
  const known = Object.entries(marker.files).filter(([name]) => !names.includes(posix.basename(name)))
  return compileAddons({ folder: path, root: marker.root }, compiler, options, Object.fromEntries(known))
}

/** @param known the files of the root, if it is a finished one. */
async function compileAddons(
  { folder, root }: NewRoot,
  compiler: string,
  { signal, onProgress }: MakeOptions,
  known?: Marker['files'],
): Promise<Marker> {
  const addons = await mkdtemp(join(folder, root, ADDONS))
  try {
    const sources = { root: join(folder, root), addons, libraries: tensorflowWheel().libraries, compiler }
    const hash = await sourcesHash()
    onProgress?.({ step: 'compile', message: 'the binding between Node and TensorFlow' })
    const command = await compileAddon(sources, signal)

    onProgress?.({ step: 'compile', message: 'the engine that runs recorded functions' })
    // Without it everything still runs, only slower: not a reason to fail.
    const noEngine = await compileEngine(sources, signal).then(
      () => undefined,
      (error: unknown) => {
        if (signal?.aborted) throw interrupted()
        return messageOf(error)
      },
    )

    onProgress?.({ step: 'check', message: 'that it loads' })
    const { addon } = addonPaths(addons)
    return await markFolder(folder, { root, addon, compiler: command, sources: hash, noEngine, known, signal })
  } catch (error) {
    await rm(addons, { recursive: true, force: true })
    throw error
  }
}

/** Of the wheel's 15,000 files: the two libraries, and the headers that the binding includes. */
function keptFile(member: string, libraries: readonly string[]): string | undefined {
  const library = libraries.find((name) => member === `tensorflow/${name}`)
  if (library !== undefined) return `lib/${library}`
  const header =
    /^tensorflow\/include\/((?:tensorflow\/c|xla\/tsl\/c|(?:tensorflow\/core|tsl)\/platform)\/.+\.h)$/.exec(member)
  return header ? `headers/${header[1] ?? ''}` : undefined
}
