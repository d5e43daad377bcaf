import type * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import { AdamW } from './adamw.js'
import type { Optimizer } from './optimizer.js'
import { noDecay } from './parameter-group.js'
import type { OptimizerMaker, OptimizerPart } from '../train-options.js'

/** What moves parameters where nothing is said: for a model that is trained already. */
const fineTuning: OptimizerMaker = (parameters) => new AdamW({ parameters, learningRate: 1e-5, groups: [noDecay] })

/**
 * Makes optimizers, each of the parameters that it is the first to name.
 * @throws {InputError} if one names none, or none of all moves anything
 */
export function optimizersOf(
  given: OptimizerMaker | readonly OptimizerPart[] = fineTuning,
  parameters: ReadonlyMap<string, tf.Variable>,
): readonly Optimizer[] {
  const parts = typeof given === 'function' ? [{ make: given }] : given
  const firstOf = (name: string): OptimizerPart | undefined =>
    parts.find(({ pattern }: OptimizerPart) => pattern === undefined || name.search(pattern) >= 0)
  const optimizers = parts.map((part: OptimizerPart) => {
    const own = new Map([...parameters].filter(([name]) => firstOf(name) === part))
    if (own.size > 0) return part.make(own)
    throw new InputError('an optimizer without parameters', {
      expected: `a pattern of names such as ${[...parameters.keys()][0] ?? ''}`,
      found: String(part.pattern ?? 'nothing left'),
    })
  })
  if (optimizers.some(({ variables }) => variables.length > 0)) return optimizers
  throw new InputError('nothing to train', { found: 'every parameter frozen' })
}
