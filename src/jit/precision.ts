/**
 * What matrices are multiplied in. With `bfloat16` their elements keep three digits; sums, norms, softmax and everything else stay
 * float32. `auto` takes it where the processor multiplies it in hardware (AMX, AVX-512-BF16), else float32.
 */
export type Precision = (typeof PRECISIONS)[number]

/** The values of `Precision`. */
export const PRECISIONS = ['float32', 'bfloat16', 'auto'] as const

/** What an engine multiplies matrices in. @param bfloat16 whether its processor multiplies that in hardware */
export const precisionOn = (bfloat16: boolean, asked: Precision): Exclude<Precision, 'auto'> => {
  if (asked !== 'auto') return asked
  return bfloat16 ? 'bfloat16' : 'float32'
}
