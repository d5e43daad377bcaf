import type * as tf from '@tensorflow/tfjs'

import type { DataType } from './program.js'
import type { Shape } from './shapes.js'

/** A tensor's values at some moment of a run. */
export interface Snapshot {
  /** Which tensor when, in words. */
  readonly what: string
  readonly shape: Shape
  readonly dtype: DataType
  readonly values: Float32Array | Int32Array | Uint8Array
}

export function snapshotOf(what: string, tensor: tf.Tensor): Snapshot {
  const { shape, dtype } = tensor
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') throw new TypeError(`${what} is ${dtype}`)
  return { what, shape, dtype, values: tensor.dataSync().slice() }
}
