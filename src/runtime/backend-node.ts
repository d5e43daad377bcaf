import { isMainThread } from 'node:worker_threads'

import * as tf from '@tensorflow/tfjs'

import { backendSelector } from './backend-selector.js'
import { loadNative, NATIVE } from './native.js'
import { registerWasmKernels } from './wasm-kernels.js'

/** See {@link BackendSelector}. In Node: TensorFlow's C library, else WebAssembly, else plain JavaScript. */
export const { useBackend, currentBackend } = backendSelector(
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
      prepare: async () => {
        const wasm = await import('@tensorflow/tfjs-backend-wasm')
        wasm.setThreadsCount(1) // its threads are web workers, which Node hasn't
        registerWasmKernels()
        return { version: tf.version.tfjs, reason: 'it was asked for' }
      },
    },
    { name: 'cpu', tfBackend: 'cpu', prepare: () => ({ version: tf.version.tfjs, reason: 'it was asked for' }) },
  ],
  () => ({
    preference: process.env['SIGLIP_BACKEND'],
    say: (line) => {
      if (isMainThread && process.env['SIGLIP_QUIET'] !== '1') process.stderr.write(`${line}\n`)
    },
  }),
)
