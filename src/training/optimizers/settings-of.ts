import { createHash } from 'node:crypto'
import { isObject } from '../../io/is-object.js'
import type { Settings } from '../checkpoint.js'
import { scaleOf } from '../lora/lora.js'
import type { Optimizer } from './optimizer.js'
import type { ParameterGroup } from './parameter-group.js'
import type { Schedule } from './schedule.js'
import type { TrainOptions } from '../train-options.js'

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
    config: linesOf(options.model.config.toJSON()).join('\n'),
    processor: [...options.processor.toFiles()].map(([name, bytes]) => `${name} ${digest(bytes)}`).join('\n'),
    scheduleHash: digest(
      stepsOf(steps)
        .map((step) => schedule(step).toPrecision(6))
        .join(),
    ),
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

/** Keys of a configuration that don't change what a model computes. */
const IDLE =
  /^(dtype|torch_dtype|transformers_version|_name_or_path|architectures|_attn_implementation\w*|trained_with)$/

/** A configuration as lines of `name value`, sorted. */
function linesOf(value: unknown, name = ''): readonly string[] {
  if (!isObject(value)) return [`${name} ${JSON.stringify(value)}`]
  const entries = Object.entries(value).filter(([key]) => !IDLE.test(key))
  return entries.flatMap(([key, inner]) => linesOf(inner, name === '' ? key : `${name}.${key}`)).sort()
}

/** All steps; of very many, some from beginning to end, and those at both ends. */
function stepsOf(steps: number): readonly number[] {
  if (steps <= 20_000) return Array.from({ length: steps }, (_, step) => step)
  return Array.from({ length: 20_000 }, (_, i) =>
    i < 5000 ? i : i >= 15_000 ? steps - 20_000 + i : Math.floor((steps * (i - 5000)) / 10_000),
  )
}

const digest = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex').slice(0, 16)
