import { InputError } from '../errors.js'
import { largest } from '../largest.js'

/** How many of the best are returned. @throws {InputError} */
export function checkTopK(topK: number | undefined): number | undefined {
  if (topK === undefined || (Number.isInteger(topK) && topK > 0)) return topK
  throw new InputError('Invalid topK', { expected: 'a whole number from 1', found: String(topK) })
}

export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit))

/** Adds up to one. */
export function softmax(logits: readonly number[]): number[] {
  const top = largest(logits)
  const exponentials = logits.map((logit) => Math.exp(logit - top))
  const sum = exponentials.reduce((total, value) => total + value, 0)
  return exponentials.map((value) => value / sum)
}
