import * as tf from '@tensorflow/tfjs'

import { backendSelector, type Prepared } from './backend-selector.js'
import { registerWasmKernels } from './wasm-kernels.js'

/** See {@link BackendSelector}. In a page: WebGPU if the page has registered it, else WebGL, WebAssembly, plain JavaScript. */
export const { useBackend, currentBackend } = backendSelector(
  [
    {
      name: 'webgpu',
      tfBackend: 'webgpu',
      prepare: () => registered('webgpu', 'the page has not imported @tensorflow/tfjs-backend-webgpu'),
    },
    {
      name: 'webgl',
      tfBackend: 'webgl',
      prepare: () => {
        const prepared = registered('webgl', 'the page has no WebGL')
        if ('missing' in prepared || tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) return prepared
        return { missing: 'this device computes with half precision there' } // the numbers would be wrong
      },
    },
    {
      name: 'wasm',
      tfBackend: 'wasm',
      prepare: async () => {
        await import('@tensorflow/tfjs-backend-wasm')
        registerWasmKernels()
        return registered('wasm', 'it was not registered')
      },
    },
    { name: 'cpu', tfBackend: 'cpu', prepare: () => registered('cpu', 'it was not registered') },
  ],
  () => ({
    preference: undefined,
    say: (line) => {
      console.info(line)
    },
  }),
)

function registered(name: string, missing: string): Prepared {
  const version = tf.version.tfjs
  return tf.engine().registryFactory[name] ? { version, reason: 'it runs here' } : { missing }
}
