import * as tf from '@tensorflow/tfjs'

import { BackendError } from '../../errors.js'

interface Allocator {
  _malloc: (bytes: number) => number
  readonly _free: (address: number) => void
}

/** Addresses have 32 bits. */
const ADDRESSES = 2 ** 32

const guarded = new WeakSet<Allocator>()

/**
 * Makes full memory an error on the backend `wasm`, which has started. Where its 4 GB are full its allocator answers with address 0,
 * and tfjs would go on, writing tensors over each other. Calling it again changes nothing.
 */
export function guardWasmMemory(): void {
  const backend: unknown = tf.findBackend('wasm')
  if (!hasAllocator(backend) || guarded.has(backend.wasm)) return
  const { wasm } = backend
  wasm._free(wasm._malloc(1)) // its first call puts another function in its place
  const allocate = wasm._malloc
  wasm._malloc = (bytes) => {
    const address = bytes < ADDRESSES ? allocate(bytes) : 0 // more would be taken for what is left of it in 32 bits
    if (address !== 0 || bytes === 0) return address
    throw new BackendError('The memory of WebAssembly is full', {
      expected: `${bytes} bytes more`,
      found: 'its limit of 4 GB',
      hint: 'Dispose of tensors, take smaller batches or a smaller model, or the native backend: `npx siglip setup`.',
    })
  }
  guarded.add(wasm)
}

function hasAllocator(backend: unknown): backend is { readonly wasm: Allocator } {
  if (typeof backend !== 'object' || backend === null || !('wasm' in backend)) return false
  const { wasm } = backend
  return typeof wasm === 'object' && wasm !== null && '_malloc' in wasm && '_free' in wasm
}
