import * as tf from '@tensorflow/tfjs'
import { InputError, NonFiniteError } from '../errors.js'
import type { Arrays } from '../models/model-arrays.js'
import { firstNonFiniteOf } from '../models/loading/non-finite.js'
import { NATIVE } from '../backend/backend-report.js'
import { isInt32 } from '../backend/tensor-input.js'
import { jit } from '../jit/jit.js'
import type { Precision } from '../jit/precision.js'

/** How a pipeline's model computes. */
export interface ComputeOptions {
  /**
   * Precision of matrix multiplications: `float32`, the default; `bfloat16`, twice to four times as fast where the processor has it and
   * right to about three digits; `auto`, the faster of both.
   */
  readonly precision?: Precision | undefined
  /** Whether the model is recorded once and then runs as one native program, on the native backend. Default: true. */
  readonly jit?: boolean | undefined
}

/** A model's function of batches. */
export interface BatchFunction<Inputs extends Arrays, Results extends tf.Tensor = tf.Tensor2D> {
  /** The results of a batch, the caller's to dispose. */
  (batch: Inputs): Promise<Results>
  dispose(): void
}

/**
 * Makes a function of tensors one of arrays, recorded by `jit` for each size of batch, and run off JavaScript's thread: images are
 * prepared meanwhile.
 *
 * @throws {InputError} for a precision that only recorded functions have; a call throws NonFiniteError for results with NaN or infinities
 */
export function batchFunction<Inputs extends Arrays, Results extends tf.Tensor>(
  compute: (inputs: { readonly [K in keyof Inputs]: tf.Tensor }) => Results,
  { precision = 'float32', jit: recorded = true }: ComputeOptions = {},
): BatchFunction<Inputs, Results> {
  if (!recorded && precision === 'bfloat16') {
    throw new InputError('bfloat16 needs jit', { expected: 'precision float32, or jit', found: 'jit: false' })
  }
  const fast = jit(compute, { precision })
  const run = async (batch: Inputs): Promise<Results> => {
    const inputs = tf.tidy(() => tensors(batch))
    try {
      const isNative = tf.getBackend() === NATIVE // elsewhere jit has nothing to add to the line that the backend says
      return await checked(await (recorded && isNative ? fast.async(inputs) : tf.tidy(() => compute(inputs))))
    } finally {
      tf.dispose(inputs)
    }
  }
  return Object.assign(run, { dispose: fast.dispose })
}

/** The results themselves; disposed of if they are not finite. @throws {NonFiniteError} */
export async function checked<Results extends tf.Tensor>(results: Results): Promise<Results> {
  const bad = await firstNonFiniteOf(results)
  if (!bad) return results
  const { shape, size } = results
  results.dispose()
  const [rows = 1] = shape
  throw new NonFiniteError('The model’s output is not finite', {
    expected: 'finite numbers',
    found: String(bad.value),
    where: `input ${Math.floor(bad.index / (size / rows)) + 1} of a batch of ${rows}`,
    hint: 'Its weights may be of a training that has diverged. In bfloat16, try float32.',
  })
}

function tensors<Inputs extends Arrays>(batch: Inputs): { readonly [K in keyof Inputs]: tf.Tensor } {
  const made = Object.entries(batch).map(([name, array]) => [
    name,
    tf.tensor(array.data, [...array.shape], isInt32(array) ? 'int32' : 'float32'),
  ])
  return Object.fromEntries(made) as { [K in keyof Inputs]: tf.Tensor }
}
