import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { type Marker, nativePaths } from '../native-folder.js'
import type { MakeOptions } from './build-native.js'
import { markFolder } from './mark-folder.js'
import { runNpm, TFJS_NODE } from './tfjs-node-package.js'

/**
 * Installs tfjs-node in an empty folder as its makers meant it: its own script downloads TensorFlow 2.9 and an addon from
 * their host, which firewalls may block.
 *
 * @throws BackendError if that fails.
 */
export async function installOfficial(folder: string, { signal, onProgress }: MakeOptions): Promise<Marker> {
  onProgress?.({ step: 'official', message: `${TFJS_NODE.spec} with its own installer` })
  const project = join(folder, 'npm')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{"private":true}')
  await runNpm(['install', '--no-save', '--no-audit', '--no-fund', TFJS_NODE.spec], signal, project)
  const { tfjsNode } = nativePaths(folder)
  // Links between the library's versions stay what they are: relative to their folder.
  await cp(join(project, 'node_modules', '@tensorflow', 'tfjs-node'), tfjsNode, {
    recursive: true,
    verbatimSymlinks: true,
  })
  await rm(project, { recursive: true })
  const addon = join(tfjsNode, 'lib', 'napi-v8', 'tfjs_binding.node')
  return markFolder(folder, { addon, compiler: 'none: tfjs-node’s own installer', signal })
}
