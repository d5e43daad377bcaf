import type * as tf from '@tensorflow/tfjs'
import type { Arrays } from '../models/model-arrays.js'
import type { PreparedBatch } from './data/prepared-batches.js'

/** Arrays of a batch as tensors. */
export type Inputs = Readonly<Record<string, tf.Tensor>>

/** What a training makes smaller: its inputs, and its gradients. */
export interface Objective {
  /**
   * What the loss needs of a batch, in the same shapes for every batch of a size.
   * @param step which random choices belong to it; from 0
   * @throws {InputError} for a batch that it has no loss for
   */
  inputsOf(batch: PreparedBatch, step: number): Arrays
  /** The loss and its gradients by the variables' names; pure tfjs, to be recorded by `jit`. */
  gradients(inputs: Inputs, variables: readonly tf.Variable[]): { value: tf.Scalar; grads: tf.NamedTensorMap }
  /** Called when the training ends: reports what was not reported yet. */
  end?(): void
}
