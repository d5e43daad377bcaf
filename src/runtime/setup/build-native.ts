import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { cacheFolder } from '../cache-folder.js'
import { type Marker, nativePaths } from '../native-folder.js'
import { compileAddon, findCompiler } from './compile-addon.js'
import { markFolder } from './mark-folder.js'
import type { SetupProgress } from './setup-progress.js'
import { fetchWheel, tensorflowWheel } from './tensorflow-wheel.js'
import { fetchTfjsNode, TFJS_NODE } from './tfjs-node-package.js'
import { unpackWheel } from './wheel.js'

/** How a native backend is made. */
export interface MakeOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: SetupProgress) => void) | undefined
}

/**
 * Builds the native backend in an empty folder: tfjs-node's JavaScript from npm, TensorFlow's C library from PyPI, and
 * the addon between them.
 *
 * @throws BackendError saying which of npm, pip and the compiler failed, and how.
 */
export async function buildNative(folder: string, { signal, onProgress }: MakeOptions): Promise<Marker> {
  const wheel = tensorflowWheel()
  const compiler = await findCompiler(signal) // before anything large is downloaded in vain
  const report = (step: SetupProgress['step'], message: string) => (bytes: number, total: number) =>
    onProgress?.({ step, message, bytes, total })

  onProgress?.({ step: 'tfjs-node', message: TFJS_NODE.spec })
  await fetchTfjsNode(nativePaths(folder).tfjsNode, signal)

  const onDownload = report('download', wheel.file)
  const path = await fetchWheel(wheel, join(cacheFolder(), 'downloads'), { signal, onProgress: onDownload })

  const rename = (member: string) => keptFile(member, wheel.libraries)
  const onUnpack = report('unpack', 'TensorFlow’s C library')
  await unpackWheel(path, folder, { rename, signal, onProgress: onUnpack })

  onProgress?.({ step: 'compile', message: 'the binding between Node and TensorFlow' })
  const headers = join(folder, 'headers')
  const command = await compileAddon({ folder, headers, libraries: wheel.libraries, compiler }, signal)
  await rm(headers, { recursive: true })

  onProgress?.({ step: 'check', message: 'that it loads' })
  const addon = nativePaths(folder).addon
  return markFolder(folder, { addon, compiler: command, signal })
}

/** Of the wheel's 15,000 files: the two libraries, and the headers that the binding includes. */
function keptFile(member: string, libraries: readonly string[]): string | undefined {
  const library = libraries.find((name) => member === `tensorflow/${name}`)
  if (library !== undefined) return `lib/${library}`
  const header =
    /^tensorflow\/include\/((?:tensorflow\/c|xla\/tsl\/c|(?:tensorflow\/core|tsl)\/platform)\/.+\.h)$/.exec(member)
  return header ? `headers/${header[1] ?? ''}` : undefined
}
