import type * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import type { Optimizer } from './optimizer.js'
import type { OptimizerPart } from '../train-options.js'

/**
 * Makes the optimizers. Each parameter belongs to the first whose pattern matches its name.
 * @throws {InputError} if one matches no parameter, or all are frozen
 */
export function optimizersOf(
  parts: readonly OptimizerPart[],
  parameters: ReadonlyMap<string, tf.Variable>,
): readonly Optimizer[] {
  const firstOf = (name: string): OptimizerPart | undefined =>
    parts.find(({ pattern }: OptimizerPart) => pattern === undefined || name.search(pattern) >= 0)
  const optimizers = parts.map((part: OptimizerPart) => {
    const own = new Map([...parameters].filter(([name]) => firstOf(name) === part))
    if (own.size > 0) return part.make(own)
    throw new InputError('An optimizer has no parameters', {
      expected: `a pattern of names such as ${[...parameters.keys()][0] ?? ''}`,
      found: part.pattern ? `${part.pattern}, which matches none` : 'all matched by the optimizers before it',
    })
  })
  if (optimizers.some(({ variables }) => variables.length > 0)) return optimizers
  throw new InputError('All parameters are frozen', { expected: 'at least one that an optimizer updates' })
}
