import * as tf from '@tensorflow/tfjs'

import { InputError } from '../../errors.js'
import { isWasm } from './is-wasm.js'
import { registerWasmProducts } from './wasm-products.js'

/** Adds to the backend `wasm` the kernels that SigLIP needs and it lacks, and fast ones. Calling it again changes nothing. */
export function registerWasmKernels(): void {
  registerWasmProducts()
  if (tf.getKernelsForBackend('wasm').some(({ kernelName }) => kernelName === 'UnsortedSegmentSum')) return
  tf.registerKernel({ kernelName: 'UnsortedSegmentSum', backendName: 'wasm', kernelFunc: unsortedSegmentSum })
}

/**
 * `output[s, …] = Σ x[i, …]` over all `i` with `segmentIds[i] = s`: the gradient of a gather, so of every embedding.
 * As in TensorFlow the ids may have several dimensions, those `x` begins with, and rows with a negative id are left out.
 */
const unsortedSegmentSum: tf.KernelFunc = ({ inputs, attrs, backend }) => {
  const { x, segmentIds } = inputs
  const numSegments = attrs?.['numSegments']
  if (!x || !segmentIds || typeof numSegments !== 'number' || !isWasm(backend)) {
    throw new InputError('UnsortedSegmentSum', { expected: 'x, segmentIds and numSegments on the backend wasm' })
  }
  const rowShape = x.shape.slice(segmentIds.shape.length)
  const rowSize = tf.util.sizeFromShape(rowShape)
  const output = backend.makeOutput([numSegments, ...rowShape], x.dtype)
  // The views are taken after the output's allocation, which may move the heap.
  const sums = backend.typedArrayFromHeap(output).fill(0)
  const values = backend.typedArrayFromHeap(x)
  const ids = backend.typedArrayFromHeap(segmentIds)
  for (const [row, id] of ids.entries()) {
    if (id < 0 || id >= numSegments) continue
    const into = id * rowSize
    const from = row * rowSize
    for (let i = 0; i < rowSize; i++) sums[into + i] = (sums[into + i] ?? 0) + (values[from + i] ?? 0)
  }
  return output
}
