import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { type Marker, nativePaths } from '../backend/native-folder.js'
import type { MakeOptions, NewRoot } from './build-native.js'
import { markFolder } from './mark-folder.js'
import { runNpm, TFJS_NODE, withTfjsNode } from './tfjs-node-package.js'

/**
 * Installs tfjs-node in an empty folder as its makers meant it: its own script downloads TensorFlow 2.9 and an addon from
 * their host, which firewalls may block, and which publishes no hashes.
 *
 * @throws BackendError if that fails.
 */
export async function installOfficial({ folder, root }: NewRoot, options: MakeOptions): Promise<Marker> {
  const { signal, onProgress } = options
  onProgress?.({ step: 'official', message: `${TFJS_NODE.spec} with its own installer` })
  const project = join(folder, root, 'npm')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{"private":true}')
  const install = ['install', '--no-save', '--no-audit', '--no-fund']
  await withTfjsNode((tarball) => runNpm([...install, tarball], project, signal), signal)
  const { tfjsNode } = nativePaths(join(folder, root))
  // Links between the library's versions stay what they are: relative to their folder.
  await cp(join(project, 'node_modules', '@tensorflow', 'tfjs-node'), tfjsNode, {
    recursive: true,
    verbatimSymlinks: true,
  })
  await rm(project, { recursive: true })
  const addon = join(tfjsNode, 'lib', 'napi-v8', 'tfjs_binding.node')
  return markFolder(folder, { root, addon, compiler: 'none: tfjs-node’s own installer', signal })
}
