import type * as tf from '@tensorflow/tfjs'

import type { Argument, Value } from '../graph.js'
import type { Captures } from './captures.js'

/** What writing functions down takes of the backend that they are written for. */
export interface RecordingHost {
  /** Gives a variable data that no other tensor has. */
  readonly own: (variable: tf.Variable) => void
  /** Has the backend write down what it is asked for from now on; nothing runs. Returns how to undo it. */
  readonly takePlace: () => () => void
  /** What stands for an argument. */
  readonly argument: (tensor: tf.Tensor, index: number) => { readonly node: Argument; readonly tensor: tf.Tensor }
  /** What a tensor is in the graph: a result, a constant or a capture. */
  readonly valueOf: (tensor: tf.TensorInfo) => Value
  readonly dispose: () => void
}

/** Makes the host of one recording, which disposes of it. */
export type HostFactory = (captures: Captures) => RecordingHost
