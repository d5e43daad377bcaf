import * as tf from '@tensorflow/tfjs'

import { backendSelector, type BackendSelector, type Prepared } from './backend-selector.js'
import { ENGINE } from './engine/engine-backend.js'
import { preparedEngine } from './engine/prepared-engine.js'
import { registerWasmKernels } from './wasm/wasm-kernels.js'
import { guardWasmMemory } from './wasm/wasm-memory.js'

const selector = backendSelector(
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
        const missing = 'the page has no WebGL'
        const prepared = registered('webgl', missing)
        if ('missing' in prepared) return prepared
        if (tf.env().getNumber('WEBGL_VERSION') === 0) return { missing } // registered it is in every page
        if (tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) return prepared
        return { missing: 'this device computes with half precision there' } // the numbers would be wrong
      },
    },
    {
      name: 'wasm',
      tfBackend: 'wasm',
      remedy:
        'Serve the .wasm files of @tensorflow/tfjs-backend-wasm beside the page, or tell its setWasmPaths where they are',
      started: guardWasmMemory,
      prepare: async () => {
        await import('@tensorflow/tfjs-backend-wasm')
        registerWasmKernels()
        return registered('wasm', 'it was not registered')
      },
    },
    { name: 'siglip', tfBackend: ENGINE, prepare: preparedEngine },
    { name: 'cpu', tfBackend: 'cpu', prepare: () => registered('cpu', 'it was not registered') },
  ],
  () => ({
    preference: undefined,
    say: (line) => {
      console.info(line)
    },
  }),
)

/**
 * Starts the backend that everything computes on, and reports which runs and why. By default one that the program has set itself is
 * respected, else the fastest that can run here is taken; in a page they are, in this order: WebGPU if the page has registered it, WebGL, WebAssembly, plain JavaScript.
 *
 * @throws {BackendError} if the one asked for cannot run here, with the reason and the remedy
 */
export const useBackend: BackendSelector['useBackend'] = selector.useBackend

/** What {@link useBackend} said last; `undefined` before it was called. */
export const currentBackend: BackendSelector['currentBackend'] = selector.currentBackend

/** Reports once that plain JavaScript runs, where no backend was chosen. */
export const tellUnchosen: BackendSelector['tellUnchosen'] = selector.tellUnchosen

function registered(name: string, missing: string): Prepared {
  const version = tf.version.tfjs
  return tf.engine().registryFactory[name] ? { version, reason: 'it runs here' } : { missing }
}
