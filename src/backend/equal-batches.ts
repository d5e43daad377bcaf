import * as tf from '@tensorflow/tfjs'

import { isTracing } from './tracing.js'

/**
 * TensorFlow 2.21's oneDNN kernel of BatchMatMulV2 writes out of bounds where one operand's matrices are repeated for the other's, as in
 * `tf.matMul(a, b)` of `[5, 1, 128, 16]` and `[16, 8]`. From here on it is given operands of equal batches alone: one matrix for all is one
 * product of all rows, and anything else is repeated before. oneDNN stays as the user has set it.
 *
 * @param backendName of the backend whose products are meant
 */
export function giveProductsEqualBatches(backendName: string): void {
  const kernel = tf.getKernel(tf.BatchMatMul, backendName) as tf.KernelConfig | undefined
  if (!kernel) return // a backend that has no products has none to correct
  tf.unregisterKernel(tf.BatchMatMul, backendName)
  tf.registerKernel({
    ...kernel,
    kernelFunc: (call) => {
      const { a, b } = call.inputs
      // While a function is recorded, no product is computed: the engine has its own.
      if (!a || !b || isTracing() || sameBatch(a, b)) return kernel.kernelFunc(call)
      const { transposeA, transposeB } = call.attrs as unknown as Transposed
      return tf.tidy(() => ofUnequalBatches(toTensor(a), toTensor(b), { transposeA, transposeB }))
    },
  })
}

interface Transposed {
  readonly transposeA: boolean
  readonly transposeB: boolean
}

const batchOf = ({ shape }: tf.TensorInfo): number[] => shape.slice(0, -2)
const sizeOf = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1)
const sameBatch = (a: tf.TensorInfo, b: tf.TensorInfo): boolean => String(batchOf(a)) === String(batchOf(b))

function ofUnequalBatches(a: tf.Tensor, b: tf.Tensor, { transposeA, transposeB }: Transposed): tf.Tensor {
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchOf(a), batchOf(b))
  const [m = 1, k = 1] = transposeA ? a.shape.slice(-2).reverse() : a.shape.slice(-2)
  const n = b.shape.at(transposeB ? -2 : -1) ?? 1
  const shape = [...batch, m, n]
  if (!transposeA && sizeOf(batchOf(b)) === 1) {
    const rows = tf.reshape(a, [sizeOf(batchOf(a)) * m, k])
    return tf.reshape(tf.matMul(rows, tf.reshape(b, b.shape.slice(-2)), false, transposeB), shape)
  }
  const repeated = (x: tf.Tensor): tf.Tensor => {
    const matrix = x.shape.slice(-2)
    const full = String(batchOf(x)) === String(batch) ? x : tf.broadcastTo(x, [...batch, ...matrix])
    return tf.reshape(full, [sizeOf(batch), ...matrix])
  }
  return tf.reshape(tf.matMul(repeated(a), repeated(b), transposeA, transposeB), shape)
}

const isTensor = (info: tf.TensorInfo): info is tf.Tensor => info instanceof tf.Tensor

const toTensor = (info: tf.TensorInfo): tf.Tensor =>
  isTensor(info) ? info : tf.engine().makeTensorFromTensorInfo(info)
