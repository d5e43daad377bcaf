import { existsSync } from 'node:fs'
import { join } from 'node:path'

import * as tf from '@tensorflow/tfjs'

import { createWasmEngine } from '../src/backend/engine/wasm-engine.js'
import { WASM_BUILDS } from '../src/backend/engine/wasm-builds.js'
import { bestWasmBuild, loadWasmModule } from '../src/backend/engine/wasm-module.js'

import { useBackend } from '../src/backend/backend-node.js'
import { type Engine, loadEngine } from '../src/jit/program/engine.js'
import '../src/jit/jit-node.js' // registers the backend siglip
import { type JitEngine, ownJitEngine } from './jit/jit-engine.js'
import { findNativeFolder } from '../src/backend/native-folder.js'
import { engineOn, type ProgramEngine } from './core-engine.js'

/** The backends of Node that must give the reference's numbers. */
export const backends = ['native', 'wasm', 'siglip'] as const

/**
 * Describes a suite once per backend, with that backend running. The native one is left out, loudly, only where it was not
 * built.
 */
export function onEachBackend(suite: (name: (typeof backends)[number]) => void): void {
  describe.each(backends)('on %s', (name) => {
    const folder = name === 'native' ? findNativeFolder() : undefined
    if (folder && 'missing' in folder) {
      process.stderr.write(`NOT TESTED on the native backend: ${folder.missing}. Run \`npm run setup\`.\n`)
      it.skip(`native backend: ${folder.missing}`, () => undefined)
      return
    }
    beforeAll(async () => {
      await useBackend(name, { quiet: true })
    })
    suite(name)
  })
}

/** Describes a suite that needs the engine, each test in a scope of tensors; left out, loudly, only where it was not built. */
export function onEngine(suite: (engine: () => Engine) => void): void {
  describeEngine('on the engine', loadEngine, suite)
}

/** The same with the kernels of all processors. */
export function onEveryKernel(suite: (engine: () => Engine) => void): void {
  describeEngine('on every kernel', loadEveryKernel, suite)
}

/** The same, and with the engines that have their tensors: for suites of programs without operations of TensorFlow. */
export function onEveryEngine(suite: (engine: () => ProgramEngine) => void): void {
  onEveryKernel(suite)
  const builds = WASM_BUILDS.slice(WASM_BUILDS.indexOf(bestWasmBuild()))
  describe.each(builds)('on WebAssembly, %s', (build) => {
    inScopes(async () => {
      await useBackend('wasm', { quiet: true })
      return engineOn(await createWasmEngine(await loadWasmModule(build)))
    }, suite)
  })
}

/** The engine with the kernels of all processors: scripts/emulate-processors.js has made those that this one doesn't run. */
export function loadEveryKernel(): ReturnType<typeof loadEngine> {
  const emulated = join(process.cwd(), 'out', 'emulated', 'engine.node')
  const real = loadEngine()
  return 'missing' in real || real.usable.includes('amx') || !existsSync(emulated) ? real : loadEngine(emulated)
}

/** Describes a suite of `jit`, each test in a scope of tensors: on the native backend with the kernels of all processors, and on the backend `siglip`. */
export function onEveryJitEngine(suite: (engine: () => JitEngine) => void): void {
  onEveryKernel(suite)
  onOwnEngine(suite)
}

/** The same on the backend `siglip` alone. */
export function onOwnEngine(suite: (engine: () => JitEngine) => void): void {
  describe('on the backend siglip', () => {
    inScopes(async () => {
      await useBackend('siglip', { quiet: true })
      return ownJitEngine()
    }, suite)
  })
}

function describeEngine(name: string, load: typeof loadEngine, suite: (engine: () => Engine) => void): void {
  describe(name, () => {
    const folder = findNativeFolder()
    const missing = 'missing' in folder ? folder.missing : folder.marker.noEngine
    if (missing !== null) {
      process.stderr.write(`NOT TESTED on the engine: ${missing}. Run \`npm run setup\`.\n`)
      it.skip(`engine: ${missing}`, () => undefined)
      return
    }
    inScopes(async () => {
      await useBackend('native', { quiet: true })
      const loaded = load()
      if ('missing' in loaded) throw new Error(loaded.missing)
      return loaded
    }, suite)
  })
}

/** Runs a suite on an engine, each test in a scope of tensors. */
function inScopes<E>(load: () => Promise<E>, suite: (engine: () => E) => void): void {
  let engine: E | undefined
  beforeAll(async () => {
    engine = await load()
  })
  beforeEach(() => {
    tf.engine().startScope()
  })
  afterEach(() => {
    tf.engine().endScope()
  })
  suite(() => {
    if (!engine) throw new Error('The engine is there only while a test runs')
    return engine
  })
}
