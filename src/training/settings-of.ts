import type { Settings } from './checkpoint.js'
import { scaleOf } from './lora.js'
import type { Optimizer } from './optimizer.js'
import type { ParameterGroup } from './parameter-group.js'
import type { Schedule } from './schedule.js'
import type { TrainOptions } from './train-options.js'

/** What of the options must stay for a training to go on to the bit; of a user's loss, only that it is one. */
export function settingsOf(
  options: TrainOptions,
  schedule: Schedule,
  steps: number,
  optimizers: readonly Optimizer[],
): Settings {
  const { batchSize, loss = 'sigmoid', seed = 0, parts = 1, clipNorm = 1, ema = null, precision = 'auto' } = options
  const { shuffle = true, distinct = null, each = 'sample', neighbours = 1 } = options
  const { keepPatches = null, augmentation = null } = options
  return {
    ...{ steps, batchSize, seed, parts, clipNorm, ema, precision, shuffle, distinct, each, neighbours },
    model: options.model.getClassName(),
    loss: typeof loss === 'function' ? 'own' : loss,
    schedule: [0, 0.02, 0.1, 0.5, 0.9, 0.99].map((part) => schedule(Math.floor(part * steps)).toPrecision(6)).join(),
    lora: [
      ...[...(options.lora?.adapters ?? [])].map(([name, each]) => `${name} ${scaleOf(each)}`),
      ...(options.lora?.whole.names ?? []),
    ].join(),
    maxLogitScale: options.maxLogitScale ?? null,
    keepPatches: JSON.stringify(keepPatches),
    augmentation: JSON.stringify(augmentation),
    optimizers: JSON.stringify(optimizers.map((each) => ({ name: each.getClassName(), ...each.getConfig() }))),
    groups: optimizers.map((each) => each.groups.map(groupText).join()).join(';'),
  }
}

const groupText = ({ pattern, learningRate, weightDecay, frozen }: ParameterGroup): string =>
  [pattern, learningRate, weightDecay, frozen].join(' ')
