import type * as tf from '@tensorflow/tfjs'

/** What tfjs-node's backend knows of a tensor's data. */
export interface NativeData {
  readonly shape: number[]
  /** TensorFlow's number of the type. */
  readonly dtype: number
  /** The addon's number of the tensor; −1 before its values are uploaded. */
  id: number
  /** Values that no operation has asked for yet. */
  values: unknown
  refCount: number
}

/** An attribute of an operation as tfjs-node hands it to its addon. */
export interface NativeAttribute {
  readonly name: string
  /** TensorFlow's number of the kind of attribute. */
  readonly type: number
  readonly value: unknown
}

/** A tensor of the addon. */
export interface NativeTensor {
  readonly id: number
  readonly shape: number[]
  /** TensorFlow's number of the type. */
  readonly dtype: number
}

/** The part of tfjs-node's addon that operations go through. */
export interface NativeBinding {
  readonly executeOp: (
    op: string,
    attributes: readonly NativeAttribute[],
    inputs: readonly number[],
    outputs: number,
  ) => NativeTensor[]
  readonly createTensor: (shape: readonly number[], dtype: number, values: unknown) => number
  readonly deleteTensor: (id: number) => void
  readonly tensorDataSync: (id: number) => unknown
  /** Through which the engine's addon reaches the tensors; there in the addon that `siglip setup` builds. */
  readonly tensorHandles?: object
}

/** The part of tfjs-node's backend that is known here. */
export interface NativeBackend extends tf.KernelBackend {
  binding: NativeBinding
  readonly tensorMap: {
    readonly has: (dataId: object) => boolean
    readonly get: (dataId: object) => NativeData
  }
  createOutputTensor: (tensor: NativeTensor) => tf.Tensor
  getInputTensorIds: (tensors: readonly tf.TensorInfo[]) => number[]
}

/** TensorFlow's numbers of types. */
export const TYPE_NUMBERS = { float32: 1, int32: 3, bool: 10 } as const

export function isNativeBackend(backend: unknown): backend is NativeBackend {
  if (typeof backend !== 'object' || backend === null) return false
  return ['binding', 'tensorMap', 'createOutputTensor', 'getInputTensorIds'].every((name) => name in backend)
}

/** Numbers of tensors that a run is writing: the addon knows no tensors of these. */
const FIRST_WRITTEN = -(2 ** 30)
let nextWritten = FIRST_WRITTEN

/** A number for a tensor that has none while it is written. */
export const numberWhileWritten = (): number => nextWritten--

export const isBeingWritten = (id: number): boolean => id <= FIRST_WRITTEN
