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
export { jit, type JitOptions } from '../jit/jit.js'
export type { Jitted } from '../jit/jitted.js'
export type { Precision } from '../jit/precision.js'
