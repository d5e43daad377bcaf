import * as tf from '@tensorflow/tfjs'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'

import { InputError } from '../../errors.js'
import { isWasm } from './is-wasm.js'

/** Up to so many multiplications a product is done sooner than its operands are prepared. */
const SMALL = 1024

const replaced = new WeakSet<tf.KernelFunc>()

/**
 * Makes every product on the backend `wasm` a fast one. Its kernels multiply two plain matrices with XNNPACK; anything else, a
 * transposed operand or a batch, goes through a loop that takes ten times as long. Here operands are transposed first and a batch is
 * taken apart, so that the fast kernel does all multiplications. Nothing is cached. Whatever uses these kernels gains: models,
 * gradients and a user's own functions. Calling it again changes nothing.
 */
export function registerWasmProducts(): void {
  const [transpose, product, fused] = ['Transpose', 'BatchMatMul', '_FusedMatMul'].map((name) =>
    tf.getKernel(name, 'wasm'),
  )
  if (!transpose || !product || !fused || replaced.has(product.kernelFunc)) return
  replace(product, (args) => multiply(args, product.kernelFunc, transpose.kernelFunc))
  replace(fused, (args) => multiply(args, fused.kernelFunc, transpose.kernelFunc))
}

function replace(config: tf.KernelConfig, kernelFunc: tf.KernelFunc): void {
  tf.unregisterKernel(config.kernelName, config.backendName)
  tf.registerKernel({ ...config, kernelFunc })
  replaced.add(kernelFunc)
}

type KernelArguments = Parameters<tf.KernelFunc>[0]

/** The last two axes of a tensor, of which the kernel takes the second first if it is transposed. */
interface Operand {
  readonly tensor: tf.TensorInfo
  readonly isTransposed: boolean
}

/**
 * `[…, m, k]` · `[…, k, n]` → `[…, m, n]`, the axes before broadcast. `product` is the kernel underneath, which may add a bias `[n]`
 * and apply an activation.
 */
function multiply(args: KernelArguments, product: tf.KernelFunc, transpose: tf.KernelFunc): tf.TensorInfo {
  const { inputs, backend, attrs } = args
  const { a, b, ...others } = inputs
  if (!a || !b || !isWasm(backend)) throw new InputError('A product', { expected: 'a and b on the backend wasm' })
  const left: Operand = { tensor: a, isTransposed: attrs?.['transposeA'] === true }
  const right: Operand = { tensor: b, isTransposed: attrs?.['transposeB'] === true }
  const [m, k] = sizesOf(left)
  const [inner, n] = sizesOf(right)
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const count = tf.util.sizeFromShape(batch)
  const isPlain = count === 1 && !left.isTransposed && !right.isTransposed
  const isOneSided = [a, b].every((operand) => countOf(operand) === count || countOf(operand) === 1)
  // The kernel knows no other broadcast, and its loop leaves out a bias and an activation.
  const isSmall = count * m * k * n <= SMALL && isOneSided && !hasEnd({ inputs: others, attrs })
  const isFloat = a.dtype === 'float32' && b.dtype === 'float32'
  // The kernel itself refuses what it can't do. It leaves a sum over nothing as it finds the memory, and divides by
  // the length of an empty batch.
  if (!isFloat || k !== inner || (count * m * k * n > 0 && (isPlain || isSmall))) return single(product(args))

  const work = new Workspace(backend, product, transpose, { inputs: others, attrs })
  try {
    const shape = [...batch, m, n]
    if (count * m * n === 0) return backend.makeOutput(shape, 'float32')
    if (k === 0) return work.kept(work.sumOverNothing(count * m, n), shape)
    if (count === 1) return work.kept(work.matrices(left, right), shape)
    if (countOf(b) === 1 && !left.isTransposed) {
      const rows = { tensor: { ...a, shape: [count * m, k] }, isTransposed: false }
      return work.kept(work.matrices(rows, right), shape)
    }
    return work.kept(work.batches(left, right, batch), shape)
  } finally {
    work.dispose()
  }
}

/** What a fused product does besides: the inputs are a bias and the weights of an activation. */
interface End {
  readonly inputs: tf.NamedTensorInfoMap
  readonly attrs: tf.NamedAttrMap | undefined
}

function hasEnd({ inputs, attrs }: End): boolean {
  return Object.values(inputs).some(Boolean) || attrs?.['activation'] !== undefined
}

/** What a product needs besides its operands: all of it is freed with it, but for the result. */
class Workspace {
  private readonly temporaries = new Set<tf.TensorInfo>()

  constructor(
    private readonly backend: BackendWasm,
    private readonly product: tf.KernelFunc,
    private readonly transpose: tf.KernelFunc,
    private readonly end: End,
  ) {}

  /** A result in the shape it should have, which the caller disposes of. */
  kept(result: tf.TensorInfo, shape: number[]): tf.TensorInfo {
    this.temporaries.delete(result)
    return { ...result, shape }
  }

  dispose(): void {
    for (const { dataId } of this.temporaries) this.backend.disposeData(dataId)
  }

  /**
   * Two matrices, as a·b or as (bᵀ·aᵀ)ᵀ, whichever moves less: the kernel packs its right operand, which takes as long as to transpose
   * it. A few rows times a large transposed weight need not touch the weight so. Both give the same bits.
   */
  matrices(a: Operand, b: Operand): tf.TensorInfo {
    const [m, k] = sizesOf(a)
    const [, n] = sizesOf(b)
    const moved = (a.isTransposed ? m * k : 0) + (b.isTransposed ? k * n : 0) + k * n
    const movedSwapped = (a.isTransposed ? 0 : m * k) + (b.isTransposed ? 0 : k * n) + m * k + m * n
    if (moved <= movedSwapped || hasEnd(this.end)) return this.plain(this.asIs(a), this.asIs(b))
    return this.transposed(this.plain(this.turned(b), this.turned(a)))
  }

  /** Each pair of a batch, `[count, m, n]`. */
  batches(a: Operand, b: Operand, batch: readonly number[]): tf.TensorInfo {
    const [m] = sizesOf(a)
    const [, n] = sizesOf(b)
    const [left, right] = [this.asIs(a), this.asIs(b)]
    const [leftIndices, rightIndices] = [left, right].map(({ shape }) => indicesOf(shape.slice(0, -2), batch))
    const count = tf.util.sizeFromShape([...batch])
    const result = this.made(this.backend.makeOutput([count, m, n], 'float32'))
    for (let i = 0; i < count; i++) {
      const [x, y] = [this.matrixOf(left, leftIndices?.[i] ?? 0), this.matrixOf(right, rightIndices?.[i] ?? 0)]
      const one = this.plain(x, y)
      this.values(result).set(this.values(one), i * m * n)
      for (const temporary of [x, y, one]) this.free(temporary)
    }
    return result
  }

  /** Zeros, with the bias and the activation. */
  sumOverNothing(rows: number, columns: number): tf.TensorInfo {
    const [x, y] = [this.zeros([rows, 1]), this.zeros([1, columns])]
    return this.plain(x, y)
  }

  private plain(a: tf.TensorInfo, b: tf.TensorInfo): tf.TensorInfo {
    const attrs = { ...this.end.attrs, transposeA: false, transposeB: false }
    const [x, y] = [a, b].map((matrix) => ({ ...matrix, shape: [1, ...matrix.shape.slice(-2)] }))
    if (!x || !y) throw new InputError('A product of no operands')
    const result = single(this.product({ inputs: { ...this.end.inputs, a: x, b: y }, attrs, backend: this.backend }))
    return this.made({ ...result, shape: result.shape.slice(-2) })
  }

  private asIs({ tensor, isTransposed }: Operand): tf.TensorInfo {
    return isTransposed ? this.transposed(tensor) : tensor
  }

  private turned({ tensor, isTransposed }: Operand): tf.TensorInfo {
    return isTransposed ? tensor : this.transposed(tensor)
  }

  private transposed(x: tf.TensorInfo): tf.TensorInfo {
    const perm = [...x.shape.keys()]
    const attrs = { perm: [...perm.slice(0, -2), ...perm.slice(-2).reverse()] }
    return this.made(single(this.transpose({ inputs: { x }, attrs, backend: this.backend })))
  }

  private matrixOf(x: tf.TensorInfo, index: number): tf.TensorInfo {
    const matrix = this.made(this.backend.makeOutput(x.shape.slice(-2), 'float32'))
    const size = tf.util.sizeFromShape(matrix.shape)
    this.values(matrix).set(this.values(x).subarray(index * size, (index + 1) * size))
    return matrix
  }

  private zeros(shape: number[]): tf.TensorInfo {
    const tensor = this.made(this.backend.makeOutput(shape, 'float32'))
    this.values(tensor).fill(0)
    return tensor
  }

  /** Valid until the next allocation, which may move the heap. */
  private values(tensor: tf.TensorInfo): tf.TypedArray {
    return this.backend.typedArrayFromHeap(tensor)
  }

  private made(tensor: tf.TensorInfo): tf.TensorInfo {
    this.temporaries.add(tensor)
    return tensor
  }

  private free(tensor: tf.TensorInfo): void {
    this.temporaries.delete(tensor)
    this.backend.disposeData(tensor.dataId)
  }
}

/** Rows and columns as the product takes them. */
function sizesOf({ tensor, isTransposed }: Operand): [rows: number, columns: number] {
  const [rows = 1, columns = 1] = tensor.shape.slice(-2)
  return isTransposed ? [columns, rows] : [rows, columns]
}

function countOf({ shape }: tf.TensorInfo): number {
  return tf.util.sizeFromShape(shape.slice(0, -2))
}

/** For each index of the batch that of an operand whose axes of length 1 are broadcast. */
function indicesOf(shape: readonly number[], batch: readonly number[]): number[] {
  let indices = [0]
  const missing = batch.length - shape.length
  for (const [axis, size] of batch.entries()) {
    const own = shape[axis - missing] ?? 1
    indices = indices.flatMap((index) => Array.from({ length: size }, (_, i) => index * own + (own === 1 ? 0 : i)))
  }
  return indices
}

function single(result: tf.TensorInfo | tf.TensorInfo[]): tf.TensorInfo {
  const one = Array.isArray(result) ? result[0] : result
  if (!one) throw new InputError('A product without a result')
  return one
}
