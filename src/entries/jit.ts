/**
 * Functions of tensors as one native program: {@link jit}.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs'
 * import { jit } from 'siglip-tfjs/jit'
 *
 * const norm = jit((x: tf.Tensor) => tf.sqrt(tf.sum(tf.square(x), -1)))
 * ```
 *
 * @module
 */
export { jit, type JitOptions } from '../runtime/jit/jit.js'
export type { Jitted } from '../runtime/jit/jitted.js'
export type { Precision } from '../runtime/jit/precision.js'
