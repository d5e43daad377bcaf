import { BackendError } from '../../errors.js'
import { messageOf } from '../../io/system-error.js'
import { engineFile } from '#engine-file'
import type { WasmBuild } from './wasm-builds.js'

/** A module that is nothing but an instruction of relaxed SIMD. */
const RELAXED = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
)

/** The fastest build that this runtime takes. */
export function bestWasmBuild(): WasmBuild {
  return WebAssembly.validate(RELAXED) ? 'relaxed-simd' : 'simd'
}

/**
 * The engine's module, for `createWasmEngine`: a file of this package, which Node reads and a page fetches.
 *
 * @param build default: the fastest that this runtime takes
 * @throws BackendError if it can't be had, or the runtime does not take it
 */
export async function loadWasmModule(build: WasmBuild = bestWasmBuild()): Promise<WebAssembly.Module> {
  const bytes = await engineFile(build)
  try {
    return await WebAssembly.compile(bytes)
  } catch (cause) {
    throw new BackendError('The engine for WebAssembly does not run here', {
      expected: 'a runtime with WebAssembly SIMD and exceptions',
      found: messageOf(cause),
      where: `engine-${build}.wasm`,
      cause,
    })
  }
}
