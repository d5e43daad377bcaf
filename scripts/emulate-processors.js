/**
 * Compiles an engine whose kernels for AVX-512 and AMX run on a processor that has neither: their instructions are functions. Tests
 * use it, so that no kernels go untested for want of a processor. Its memory runs out when a test wants it to. Does nothing where
 * there is no engine, or no AVX2.
 */
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import process from 'node:process'

import { findNativeFolder } from '../dist/src/backend/native-folder.js'
import { cpuInfo } from '../dist/src/backend/cpu.js'
import { findCompiler } from '../dist/src/setup/compile-addon.js'
import { compileEngine } from '../dist/src/setup/compile-engine.js'
import { tensorflowWheel } from '../dist/src/setup/tensorflow-wheel.js'

const root = dirname(import.meta.dirname)
const AVX2 = ['-mavx2', '-mfma', '-Wno-psabi', '-O2']

/** A file of `test/native/`, to be compiled instead of one of `native/`. */
function emulated(name, flags = []) {
  return { source: join(root, 'test', 'native', name), flags }
}

const native = findNativeFolder()
const features = cpuInfo().features ?? []
const isNeeded = features.includes('AVX2') && !features.includes('AMX')
if (isNeeded && !('missing' in native) && native.marker.sources !== null && native.marker.noEngine === null) {
  const engine = join(root, 'out', 'emulated', 'engine.node')
  const instead = {
    'kernels/amx.cc': emulated('emulated-amx.cc', AVX2),
    'kernels/avx512.cc': emulated('emulated-avx512.cc', AVX2),
    'kernels/processor.cc': emulated('emulated-processor.cc'),
    'program/pages.cc': emulated('failing-memory.cc'),
  }
  try {
    await mkdir(dirname(engine), { recursive: true })
    const { libraries } = tensorflowWheel()
    const root = join(native.path, native.marker.root)
    const sources = { root, addons: dirname(engine), libraries, compiler: await findCompiler() }
    await compileEngine(sources, undefined, { instead, engine })
    process.stderr.write('siglip-tfjs: the tests emulate AVX-512 and AMX, which this processor lacks\n')
  } catch (error) {
    await rm(engine, { force: true }) // of other sources
    process.stderr.write(`siglip-tfjs: the kernels for AVX-512 and AMX are NOT TESTED here: ${error.message}\n`)
  }
}
