import { makeJitted } from '#jit'

import { InputError } from '../errors.js'
import type { Jitted } from './jitted.js'
import type { Precision } from './precision.js'

/** Settings of {@link jit}. */
export interface JitOptions {
  /** What matrices are multiplied in. Default: `float32`. */
  readonly precision?: Precision | undefined
  /** How many recordings are kept; beyond that, the one not used for longest goes. Default: 16. */
  readonly maxTraces?: number | undefined
  /**
   * Whether `async` calls, too, write the new values of variables where the old ones lie, so that they are in memory once. Default: false.
   */
  readonly inPlace?: boolean | undefined
}

/**
 * Makes a function of tensors fast: it runs once, to be recorded, and from then on as one native program in which products,
 * norms, activations and attention are fused. The recording serves all calls with arguments of the same structure, shapes and types;
 * other ones are recorded, too.
 *
 * - Arguments are tensors, and arrays and plain objects of them; numbers, strings and booleans in them are fixed parts of a recording.
 *   Results are tensors, and arrays and objects of them, all new and the caller's to dispose.
 * - Variables that the function uses are read anew at each call, and those that it assigns are assigned, arguments among them: a whole
 *   training step can be recorded, gradients and optimizer included. Variables may be made at the first call only.
 * - Calls have their effects on variables in the order they were made, asynchronous ones among them. Who reads, assigns or disposes of
 *   a variable while such a call is to give it a new value waits for that.
 * - What else the function does in JavaScript (counting, logging) happens while it is recorded, not at each call.
 * - Inside another recording the function is part of it; inside `tf.grads` and its kin it runs as it is, so take the gradient inside.
 *
 * It records on the backends `native`, where its engine is built, and `siglip`, in Node and in pages. On others the function runs as it
 * is; a line on stderr says so once.
 *
 * @throws {@link TraceError} at a call, naming the line, if the function does what can't be recorded: reads values, draws random
 *   numbers, is asynchronous, makes a shape that depends on values
 * @throws {@link InputError} for a setting that is none, and for arguments that are no tensors
 *
 * @example
 * const embed = jit((pixelValues: tf.Tensor) => model.getImageFeatures({ pixelValues }).poolerOutput, { precision: 'auto' })
 * const step = jit((batch: Batch) => optimizer.minimize(() => model.forward(batch, { returnLoss: true }).loss, true))
 */
export function jit<Args extends readonly unknown[], Result>(
  fn: (...args: Args) => Result,
  { precision = 'float32', maxTraces = 16, inPlace = false }: JitOptions = {},
): Jitted<Args, Result> {
  if (typeof fn !== 'function') throw new InputError('`jit` takes a function', { found: typeof fn })
  if (!['float32', 'bfloat16', 'auto'].includes(precision)) {
    throw new InputError('Invalid precision', { expected: 'float32, bfloat16 or auto', found: precision })
  }
  if (!Number.isInteger(maxTraces) || maxTraces < 1) {
    throw new InputError('bad maxTraces', { expected: 'a whole number from 1', found: String(maxTraces) })
  }
  return makeJitted(fn, { precision, maxTraces, inPlace })
}
