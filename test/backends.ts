import { existsSync } from 'node:fs'
import { join } from 'node:path'

import * as tf from '@tensorflow/tfjs'

import { useBackend } from '../src/backend/backend-node.js'
import { type Engine, loadEngine } from '../src/jit/program/engine.js'
import { findNativeFolder } from '../src/backend/native-folder.js'

/** The backends of Node that must give the reference's numbers. */
export const backends = ['native', 'wasm'] as const

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

/** The engine with the kernels of all processors: scripts/emulate-processors.js has made those that this one doesn't run. */
export function loadEveryKernel(): ReturnType<typeof loadEngine> {
  const emulated = join(process.cwd(), 'out', 'emulated', 'engine.node')
  const real = loadEngine()
  return 'missing' in real || real.usable.includes('amx') || !existsSync(emulated) ? real : loadEngine(emulated)
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
    let engine: Engine | undefined
    beforeAll(async () => {
      await useBackend('native', { quiet: true })
      const loaded = load()
      if ('missing' in loaded) throw new Error(loaded.missing)
      engine = loaded
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
  })
}
