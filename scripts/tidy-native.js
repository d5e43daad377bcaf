/**
 * Runs clang-tidy on the engine's core, with the checks of `.clang-tidy`: `npm run lint:native`. It has to be installed: `pip install
 * clang-tidy`, or a system's package; another one than on the PATH is named by CLANG_TIDY.
 */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import process from 'node:process'

import { COMPILER_FLAGS, nativeFiles } from '../dist/src/setup/native-sources.js'

const root = dirname(import.meta.dirname)
/** Kernels of one ISA stand for all: they are compiled from the same headers. */
const OF_OTHERS = /^kernels\/(?:amx|avx512|avx2)\.cc$/
const core = (await nativeFiles()).filter(
  (name) => /^(?:gemm|kernels|program)\/.*\.cc$/.test(name) && !OF_OTHERS.test(name),
)
const flags = COMPILER_FLAGS.filter((flag) => !flag.startsWith('-falign'))
const tidy = process.env.CLANG_TIDY ?? 'clang-tidy'
const files = core.map((name) => join('native', name))
const { error, status } = spawnSync(tidy, ['--quiet', ...files, '--', ...flags, '-Inative'], {
  cwd: root,
  stdio: 'inherit',
})
if (error) process.stderr.write(`clang-tidy cannot be run (${error.message}): pip install clang-tidy\n`)
process.exitCode = status ?? 1
