import { createHash } from 'node:crypto'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'

import { compileObject } from '../../dist/src/setup/compile-object.js'
import { nativeFiles, nativeSources } from '../../dist/src/setup/native-sources.js'
import { runTool } from '../../dist/src/setup/run-tool.js'

/** The names of the builds (src/backend/engine/wasm-module.ts), and what their kernels are compiled with besides. */
export const WASM_BUILDS = { simd: [], 'relaxed-simd': ['-mrelaxed-simd'] }

const TARGET = ['-target', 'wasm32-wasi', '-mcpu=generic+simd128+exception_handling', '-O3', '-g0', '-fwasm-exceptions']
const OWN = ['-std=c++17', '-ffp-contract=off', '-Wno-bitwise-conditional-parentheses']

/** Files of the core that `wasm/` has others for. */
const REPLACED = ['program/pages.cc', 'program/threads.cc']

/** The kernels: what differs between the builds. */
const KERNELS = 'kernels/portable.cc'

/** Parts of the C++ library that the toolchain leaves out for WebAssembly: exceptions. */
const EXCEPTIONS = [
  'libcxxabi/src/cxa_exception.cpp',
  'libcxxabi/src/cxa_personality.cpp',
  'libunwind/src/Unwind-wasm.c',
]
const LIBRARY = [
  ...['-D_LIBCXXABI_BUILDING_LIBRARY', '-D_LIBCPP_BUILDING_LIBRARY', '-D_LIBCXXABI_HAS_NO_THREADS'],
  ...['-D_LIBUNWIND_HIDE_SYMBOLS', '-D_LIBUNWIND_HAS_NO_THREADS'],
]
const C_INCLUDES = ['libunwind/include']
const CPP_INCLUDES = ['libcxxabi/include', 'libcxxabi/src', 'libcxx/include', 'libcxx/src', ...C_INCLUDES]

/** A page of 64 KB less than what addresses reach: 4 GB. */
const LINK = ['-s', '-mexec-model=reactor', '-Wl,-z,stack-size=1048576', '-Wl,--max-memory=4294901760']

const wasmFiles = async () => (await nativeFiles()).filter((file) => /^(?:gemm|kernels|program|wasm)\//.test(file))

/** A hash of the sources, and of how they are compiled: with another one, the engine has to be built anew. */
export async function wasmSources() {
  const hash = createHash('sha256')
  for (const file of [...(await wasmFiles()).map((file) => join(nativeSources(), file)), import.meta.filename]) {
    hash.update(await readFile(file)).update('\0')
  }
  return hash.digest('hex')
}

/**
 * Compiles the engine for WebAssembly into `folder/engine-NAME.wasm`. What has not changed is not compiled again. The same sources and
 * toolchain give the same bytes.
 *
 * @param {import('./toolchain.js').Toolchain} toolchain
 * @param {keyof typeof WASM_BUILDS} name
 * @param {{ readonly folder: string, readonly objects: string }} to
 * @returns {Promise<string>} the file
 */
export async function buildWasm({ zig, library }, name, { folder, objects }) {
  const native = nativeSources()
  const files = await wasmFiles()
  const sources = [
    ...files
      .filter((file) => file.endsWith('.cc') && !REPLACED.includes(file))
      .map((file) => {
        const own = file === KERNELS ? WASM_BUILDS[name] : []
        return { from: native, file, compiler: 'c++', flags: [...OWN, `-I${native}`, ...own] }
      }),
    ...EXCEPTIONS.map((file) => {
      const isC = file.endsWith('.c')
      const includes = (isC ? C_INCLUDES : CPP_INCLUDES).map((folder) => `-I${join(library, folder)}`)
      const flags = [...LIBRARY, ...includes, ...(isC ? [] : ['-std=c++23'])]
      return { from: library, file, compiler: isC ? 'cc' : 'c++', flags }
    }),
  ]
  const made = []
  for (const { from, file, compiler, flags } of sources) {
    // Each build has kernels of its own; the other objects are the same.
    const object = join(objects, file === KERNELS ? name : '', `${file.replaceAll('/', '-')}.o`)
    await compileObject({ compiler: zig, flags: [compiler, ...TARGET, ...flags], source: join(from, file), object })
    made.push(object)
  }
  await mkdir(folder, { recursive: true })
  const wasm = join(folder, `engine-${name}.wasm`)
  await runTool(zig, ['c++', ...TARGET, ...LINK, ...made, '-o', `${wasm}.part`])
  await rename(`${wasm}.part`, wasm)
  return wasm
}
