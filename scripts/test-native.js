/**
 * Compiles the engine's core, without Node and TensorFlow, with the tests in `test/native/`, and runs them:
 * `npm run test:native -- [--sanitize] [names of tests]`. The kernels are the portable ones and, on x86-64, those for AVX2. With
 * `--sanitize` sanitizers watch memory and undefined behaviour; that takes minutes to compile. What has not changed is not compiled
 * again.
 */
import { readdir } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'

import { findCompiler } from '../dist/src/setup/compile-addon.js'
import { compileObject } from '../dist/src/setup/compile-object.js'
import { COMPILER_FLAGS, KERNEL_FLAGS, nativeFiles } from '../dist/src/setup/native-sources.js'
import { runTool } from '../dist/src/setup/run-tool.js'

const root = dirname(import.meta.dirname)
const native = join(root, 'native')
const tests = join(root, 'test', 'native')
const sanitizes = process.argv.includes('--sanitize')
const names = process.argv.slice(2).filter((name) => name !== '--sanitize')
const out = join(root, 'out', sanitizes ? 'native-test-sanitized' : 'native-test')

const SANITIZERS = sanitizes ? ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-g1'] : []
const FLAGS = [...COMPILER_FLAGS.filter((flag) => flag !== '-O3'), '-O1', ...SANITIZERS, `-I${native}`]
const OF_AVX2 = 'kernels/avx2.cc'
/** How many compilers run at once. */
const AT_ONCE = 2

const compiler = await findCompiler()
const core = (await nativeFiles()).filter((name) => /^(?:gemm|kernels|program)\/.*\.cc$/.test(name))
const sources = [
  ...core.map((name) => ({
    source: join(native, name),
    object: join(out, `${name.replaceAll('/', '-')}.o`),
    flags: name === OF_AVX2 && process.arch === 'x64' ? KERNEL_FLAGS[OF_AVX2] : [],
  })),
  ...(await readdir(tests))
    .filter((name) => name === 'main.cc' || name.endsWith('.test.cc'))
    .map((name) => ({
      source: join(tests, name),
      object: join(out, `${basename(name)}.o`),
      flags: ['-Wall', '-Wextra'],
    })),
]
const waiting = [...sources].sort((a, b) => Number(b.source.includes('kernels')) - Number(a.source.includes('kernels')))
const worker = async () => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    await compileObject({ compiler, flags: [...FLAGS, ...next.flags], source: next.source, object: next.object })
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, worker))
const binary = join(out, 'test')
await runTool(compiler, [...SANITIZERS, '-pthread', ...sources.map(({ object }) => object), '-o', binary])
process.exitCode = spawnSync(binary, names, { stdio: 'inherit' }).status ?? 1
