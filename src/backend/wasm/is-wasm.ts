import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'

/** Whether a backend is tfjs's of WebAssembly. */
export function isWasm(backend: unknown): backend is BackendWasm {
  return typeof backend === 'object' && backend !== null && 'typedArrayFromHeap' in backend && 'makeOutput' in backend
}
