import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { BackendError } from '../../errors.js'
import { messageOf } from '../../io/system-error.js'
import { packageFolder } from '../package-folder.js'
import type { WasmBuild } from './wasm-builds.js'

/** The bytes of `engines/engine-BUILD.wasm`. @throws BackendError if the package lacks it */
export async function engineFile(build: WasmBuild): Promise<Uint8Array<ArrayBuffer>> {
  const path = join(packageFolder(), 'engines', `engine-${build}.wasm`)
  try {
    return await readFile(path)
  } catch (cause) {
    throw new BackendError('The engine for WebAssembly cannot be read', {
      found: messageOf(cause),
      where: path,
      hint: 'Reinstall siglip-tfjs; in a clone, run `npm run build:engines`.',
      cause,
    })
  }
}
