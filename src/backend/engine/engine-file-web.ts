import { BackendError } from '../../errors.js'
import { messageOf } from '../../io/system-error.js'
import type { WasmBuild } from './wasm-builds.js'

/** Written out for bundlers, which find the files by these expressions. */
const urls: Readonly<Record<WasmBuild, () => URL>> = {
  'relaxed-simd': () => new URL('../../../../engines/engine-relaxed-simd.wasm', import.meta.url),
  simd: () => new URL('../../../../engines/engine-simd.wasm', import.meta.url),
}

/** The bytes of `engines/engine-BUILD.wasm`, one request. @throws BackendError if it can't be fetched */
export async function engineFile(build: WasmBuild): Promise<ArrayBuffer> {
  const url = urls[build]()
  try {
    const response = await fetch(url)
    if (response.ok) return await response.arrayBuffer()
    throw new Error(`HTTP ${response.status}`)
  } catch (cause) {
    throw new BackendError('The engine for WebAssembly cannot be fetched', {
      found: messageOf(cause),
      where: url.href,
      hint: 'A bundler copies it beside the code; without one, serve the package’s folder `engines`.',
      cause,
    })
  }
}
