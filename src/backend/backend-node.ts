import * as tf from '@tensorflow/tfjs'

import { backendSelector, type BackendSelector } from './backend-selector.js'
import { ENGINE } from './engine/engine-backend.js'
import { preparedEngine } from './engine/prepared-engine.js'
import { NATIVE } from './backend-report.js'
import { loadNative } from './native.js'
import { notify } from './notify-node.js'
import { registerWasmKernels } from './wasm/wasm-kernels.js'
import { guardWasmMemory } from './wasm/wasm-memory.js'

const selector = backendSelector(
  [
    {
      name: 'native',
      tfBackend: NATIVE,
      remedy: 'For a faster one run `npx siglip setup`',
      prepare: () => {
        const native = loadNative()
        if ('missing' in native) return native
        const reason = native.origin === 'setup' ? '`siglip setup` has built it' : 'the project has tfjs-node installed'
        return { version: native.version, reason }
      },
    },
    {
      name: 'wasm',
      tfBackend: 'wasm',
      started: guardWasmMemory,
      prepare: async () => {
        const wasm = await import('@tensorflow/tfjs-backend-wasm')
        wasm.setThreadsCount(1) // its threads are web workers, which Node hasn't
        registerWasmKernels()
        return { version: tf.version.tfjs, reason: 'it was asked for' }
      },
    },
    { name: 'siglip', tfBackend: ENGINE, prepare: preparedEngine },
    { name: 'cpu', tfBackend: 'cpu', prepare: () => ({ version: tf.version.tfjs, reason: 'it was asked for' }) },
  ],
  () => ({
    preference: process.env['SIGLIP_BACKEND'],
    say: notify,
  }),
)

/**
 * Starts the backend that everything computes on, and reports which runs and why. By default one that the program has set itself is
 * respected, else the fastest that can run here is taken; in Node they are, in this order: TensorFlow's C library, WebAssembly, plain JavaScript.
 *
 * @throws {BackendError} if the one asked for cannot run here, with the reason and the remedy
 */
export const useBackend: BackendSelector['useBackend'] = selector.useBackend

/** What {@link useBackend} said last; `undefined` before it was called. */
export const currentBackend: BackendSelector['currentBackend'] = selector.currentBackend

/** Reports once that plain JavaScript runs, where no backend was chosen. */
export const tellUnchosen: BackendSelector['tellUnchosen'] = selector.tellUnchosen
