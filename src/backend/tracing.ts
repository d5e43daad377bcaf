/**
 * Whether a function is being recorded by `jit`: its tensors have shapes then, and no values yet. What wants to look at values
 * to check them asks here first, and leaves the check to the recording.
 *
 * @module
 */
import type * as tf from '@tensorflow/tfjs'

/** Which values a tensor may have. */
export interface AllowedValues {
  /** Whether they must be whole numbers. */
  readonly whole: boolean
  readonly least: number
  readonly most: number
  /** One more value that is allowed. */
  readonly also?: number
}

/** A check of a tensor's values, and the text of its error. */
export interface ValueCheck extends AllowedValues {
  /** What is wrong, e.g. `"Invalid labels"`. */
  readonly summary: string
  /** What would be right. */
  readonly expected: string
}

type AddCheck = (tensor: tf.Tensor, check: ValueCheck) => void

let innermost: AddCheck | undefined

/** Whether tensors have no values at the moment. */
export const isTracing = (): boolean => innermost !== undefined

/**
 * Runs a function during which {@link isTracing} holds.
 * @param addCheck takes the checks of {@link checkAtRuns}
 */
export function tracing<T>(run: () => T, addCheck: AddCheck): T {
  const before = innermost
  innermost = addCheck
  try {
    return run()
  } finally {
    innermost = before
  }
}

/** Has a tensor's values checked at each run of what is being recorded: the first bad one is an `InputError`. */
export function checkAtRuns(tensor: tf.Tensor, check: ValueCheck): void {
  innermost?.(tensor, check)
}

/** Whether a value is one of those. */
export const isAllowed = (value: number, { whole, least, most, also }: AllowedValues): boolean =>
  (value >= least && value <= most && (!whole || Number.isInteger(value))) || value === also
