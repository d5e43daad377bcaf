import * as tf from '@tensorflow/tfjs'

import { BackendError } from '../../errors.js'
import type { Address, EngineCore } from './engine-core.js'

/** The engine's name among tfjs's backends. */
export const ENGINE = 'siglip'

/** Types of tensors that lie in the engine's memory. */
export type NumericType = 'float32' | 'int32' | 'bool'

/** A kernel that tfjs asks for. */
export interface KernelCall {
  readonly kernelName: string
  readonly inputs: tf.NamedTensorInfoMap
  readonly attrs: tf.NamedAttrMap
}

/** What stands in the engine's place while a function is recorded. */
export interface Interceptor {
  /** Runs nothing: what it returns has no values. */
  readonly kernel: (call: KernelCall) => tf.TensorInfo | tf.TensorInfo[]
  /** Asked for values that are not there. */
  readonly read: () => never
}

/** What is known of a tensor's data. Tensors of other shapes share them. */
export interface TensorData {
  readonly dtype: tf.DataType
  /** Bytes of the elements in the engine's memory. */
  readonly bytes: number
  refCount: number
  /** Where they lie; none: in `values`, or nowhere. */
  address: Address | undefined
  /** Texts, complex numbers, and what is written while a function is recorded. */
  values: tf.BackendValues | undefined
  /** What has no values: a result of a function that is recorded. */
  readonly symbol: object | undefined
}

/** Whether tensors of a type lie in the engine's memory. */
export const isNumeric = (dtype: tf.DataType): dtype is NumericType =>
  dtype === 'float32' || dtype === 'int32' || dtype === 'bool'

/** The arrays that elements of a type lie in. */
export const arrayTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const

/** Bytes of an element in the engine's memory. */
export const bytesOf = (dtype: NumericType): number => arrayTypes[dtype].BYTES_PER_ELEMENT

/** The elements that bytes of the engine's memory are, where they lie. */
export function elementsOf({ buffer, byteOffset, byteLength }: Uint8Array, dtype: NumericType): Elements {
  const length = byteLength / bytesOf(dtype)
  if (dtype === 'float32') return new Float32Array(buffer, byteOffset, length)
  return dtype === 'int32' ? new Int32Array(buffer, byteOffset, length) : new Uint8Array(buffer, byteOffset, length)
}

type Elements = Float32Array | Int32Array | Uint8Array

/** tfjs's backend on the engine: tensors lie in the engine's memory, kernels run as programs (src/jit/kernels). */
export class EngineBackend extends tf.KernelBackend {
  readonly tensors: tf.DataStorage<TensorData>
  /** While a function is recorded. */
  interceptor: Interceptor | undefined

  constructor(readonly core: EngineCore) {
    super()
    this.tensors = new tf.DataStorage(this, tf.engine())
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const dataId = {}
    this.move(dataId, values, shape, dtype, 1)
    return dataId
  }

  override move(
    dataId: tf.DataId,
    values: tf.BackendValues,
    _shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    if (!isNumeric(dtype)) {
      this.#add(dataId, { dtype, values, refCount, bytes: 0 })
      return
    }
    const typed = typedAs(dtype, values)
    const bytes = typed.byteLength
    if (this.interceptor)
      this.#add(dataId, { dtype, values: typed === values ? typed.slice() : typed, refCount, bytes })
    else this.#add(dataId, { dtype, address: this.#upload(typed), refCount, bytes })
  }

  /** A new tensor of the values at an address, which is the tensor's from now on. */
  adopt(address: Address, shape: readonly number[], dtype: NumericType): tf.TensorInfo {
    const dataId = {}
    this.#add(dataId, { dtype, address, refCount: 1, bytes: tf.util.sizeFromShape([...shape]) * bytesOf(dtype) })
    return { dataId, shape: [...shape], dtype }
  }

  /** A tensor without values. */
  standIn(symbol: object, shape: readonly number[], dtype: NumericType): tf.TensorInfo {
    const dataId = {}
    this.#add(dataId, { dtype, symbol, refCount: 1, bytes: 0 })
    return { dataId, shape: [...shape], dtype }
  }

  /** A new tensor of these values. */
  made(values: tf.BackendValues, shape: readonly number[], dtype: tf.DataType): tf.TensorInfo {
    return { dataId: this.write(values, [...shape], dtype), shape: [...shape], dtype }
  }

  /** The same data under another shape. */
  shared(dataId: tf.DataId, shape: readonly number[], dtype: tf.DataType): tf.TensorInfo {
    this.incRef(dataId)
    return { dataId, shape: [...shape], dtype }
  }

  /** Where a tensor's elements lie. @throws BackendError for texts and complex numbers */
  addressOf(dataId: tf.DataId): Address {
    const data = this.tensors.get(dataId)
    if (data.address !== undefined) return data.address
    if (data.symbol) this.interceptor?.read()
    if (data.values === undefined || !isNumeric(data.dtype)) throw numbersOnly(data.dtype)
    data.address = this.#upload(typedAs(data.dtype, data.values))
    data.values = undefined
    return data.address
  }

  /** The elements of a tensor where they lie, to be read at once. */
  view(dataId: tf.DataId): tf.BackendValues {
    const { dtype, bytes, values } = this.tensors.get(dataId)
    if (values !== undefined) return values
    if (!isNumeric(dtype)) throw numbersOnly(dtype)
    return elementsOf(this.core.bytes(this.addressOf(dataId), bytes), dtype)
  }

  override readSync(dataId: tf.DataId): tf.BackendValues {
    const { values } = this.tensors.get(dataId)
    if (values !== undefined) return values
    this.interceptor?.read()
    return this.view(dataId).slice()
  }

  override read(dataId: tf.DataId): Promise<tf.BackendValues> {
    return new Promise((resolve) => {
      resolve(this.readSync(dataId))
    })
  }

  override refCount(dataId: tf.DataId): number {
    return this.tensors.has(dataId) ? this.tensors.get(dataId).refCount : 0
  }

  override incRef(dataId: tf.DataId): void {
    this.tensors.get(dataId).refCount++
  }

  override disposeData(dataId: tf.DataId, force = false): boolean {
    if (!this.tensors.has(dataId)) return true
    const data = this.tensors.get(dataId)
    data.refCount--
    if (!force && data.refCount > 0) return false
    this.tensors.delete(dataId)
    if (data.address !== undefined) this.core.free(data.address)
    return true
  }

  override numDataIds(): number {
    return this.tensors.numDataIds()
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false, ...this.core.memory() }
  }

  override timerAvailable(): boolean {
    return true
  }

  override time(run: () => void): Promise<tf.BackendTimingInfo> {
    const start = tf.util.now()
    run()
    return Promise.resolve({ kernelMs: tf.util.now() - start })
  }

  override floatPrecision(): 16 | 32 {
    return 32
  }

  override dispose(): void {
    // Its memory goes with the engine.
  }

  #add(
    dataId: tf.DataId,
    {
      dtype,
      bytes,
      refCount,
      address,
      values,
      symbol,
    }: Partial<TensorData> & Pick<TensorData, 'dtype' | 'bytes' | 'refCount'>,
  ): void {
    this.tensors.set(dataId, { dtype, bytes, refCount, address, values, symbol })
  }

  #upload(values: Elements): Address {
    const { buffer, byteOffset, byteLength } = values
    const address = this.core.allocate(Math.max(byteLength, 1))
    this.core.bytes(address, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength))
    return address
  }
}

export function isEngineBackend(backend: unknown): backend is EngineBackend {
  return backend instanceof EngineBackend
}

const numbersOnly = (dtype: tf.DataType): BackendError =>
  new BackendError('The engine computes with numbers only', { found: `a tensor of ${dtype}` })

/** Values as an array of their type: themselves, if they are one. */
export function typedAs(dtype: NumericType, values: ArrayLike<number> | tf.BackendValues): Elements {
  const name = Object.prototype.toString.call(values) // of any realm
  if (name === `[object ${arrayTypes[dtype].name}]`) return values as Elements
  const numbers = Array.from(values, Number)
  if (dtype === 'float32') return Float32Array.from(numbers)
  return dtype === 'int32' ? Int32Array.from(numbers) : Uint8Array.from(numbers, (value) => Number(value !== 0))
}
