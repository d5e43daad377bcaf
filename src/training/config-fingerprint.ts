import { createHash } from 'node:crypto'
import { ConfigError } from '../errors.js'
import { isObject } from '../io/is-object.js'
import type { Optimizer } from './optimizers/optimizer.js'
import type { TrainConfig } from './train-config.js'

/** What a checkpoint holds of its training's configuration: a value for each field that the numbers depend on. */
export type ConfigFingerprint = Readonly<Record<string, Value>>

type Value = string | number | boolean | null

/** Fields that may change when a training resumes: they say what is written and reported, and where, and change no number. */
export const FREE_FIELDS = [
  ...(['out', 'baseModel', 'evaluators', 'saveEvery', 'keepCheckpoints', 'resume'] as const),
  ...(['signal', 'onStep', 'onLeftOut', 'onTruncated'] as const),
] as const satisfies readonly (keyof TrainConfig)[]

/** All others, except the data, which `checkSameData` compares. A field that is in no list is an error of the compiler. */
type Compared = Exclude<keyof TrainConfig, (typeof FREE_FIELDS)[number] | 'data'>

const describers: Readonly<Record<Compared, (config: TrainConfig, optimizers: readonly Optimizer[]) => Value>> = {
  model: ({ model }) => linesOf({ class: model.getClassName(), ...model.config.toJSON() }),
  processor: ({ processor }) => [...processor.toFiles()].map(([name, bytes]) => `${name} ${digest(bytes)}`).join('\n'),
  lora: ({ lora }) =>
    lora
      ? linesOf({
          adapters: Object.fromEntries([...lora.adapters].map(([name, { a, alpha }]) => [name, [a.shape[0], alpha]])),
          whole: lora.whole.names,
        })
      : null,
  steps: ({ steps }) => steps,
  batchSize: ({ batchSize }) => batchSize,
  shuffle: ({ shuffle }) => shuffle,
  distinct: ({ distinct }) => distinct ?? null,
  each: ({ each }) => each,
  neighbours: ({ neighbours }) => neighbours,
  seed: ({ seed }) => seed,
  loss: ({ loss }) => (typeof loss === 'function' ? sourceOf(loss) : (loss ?? null)),
  optimizer: ({ optimizer: parts }, optimizers) =>
    linesOf(optimizers.map((optimizer, i) => settingsOf(optimizer, parts[i]?.pattern))),
  schedule: ({ schedule, steps }) =>
    linesOf({
      factors: [0, 0.02, 0.1, 0.5, 0.9, 0.99].map((share) => schedule(Math.floor(share * steps)).toPrecision(6)).join(),
      all: digest(
        sampledSteps(steps)
          .map((step) => schedule(step).toPrecision(6))
          .join(),
      ),
    }),
  clipNorm: ({ clipNorm }) => String(clipNorm),
  maxLogitScale: ({ maxLogitScale }) => (maxLogitScale === undefined ? null : String(maxLogitScale)),
  ema: ({ ema }) => ema ?? null,
  keepPatches: ({ keepPatches }) => linesOf(keepPatches),
  microBatches: ({ microBatches }) => microBatches,
  augmentation: ({ augmentation }) => (augmentation ? linesOf(augmentation) : null),
  caption: ({ caption }) => (caption ? sourceOf(caption) : null),
  matches: ({ matches }) => (matches ? sourceOf(matches) : null),
  precision: ({ precision }) => precision,
}

/**
 * Describes a training. Of a function only its source is known: what it reads beside its arguments is not.
 *
 * @param optimizers made by `config.optimizer`, in its order
 */
export function configFingerprint(config: TrainConfig, optimizers: readonly Optimizer[]): ConfigFingerprint {
  return Object.fromEntries(Object.entries(describers).map(([name, describe]) => [name, describe(config, optimizers)]))
}

/** @throws {ConfigError} naming each field that differs: what the checkpoint has, and what was given */
export function checkSameConfig(before: ConfigFingerprint, now: ConfigFingerprint, where: string): void {
  const changed = Object.keys(now).filter((name) => (before[name] ?? null) !== (now[name] ?? null))
  if (changed.length === 0) return
  // The schedule depends on the steps, too: if only these two differ, it is not named.
  const isLonger = changed.includes('steps') && changed.every((name) => name === 'steps' || name === 'schedule')
  const named = isLonger ? ['steps'] : changed
  const listed = (one: ConfigFingerprint, other: ConfigFingerprint): string =>
    named.map((name) => `${name} ${onlyOwn(one[name] ?? 'none', other[name])}`).join('; ')
  throw new ConfigError('The checkpoint belongs to a training with other options', {
    expected: listed(before, now),
    found: listed(now, before),
    where,
    hint: isLonger
      ? 'The schedule depends on the number of steps. Give the same number; to train longer, start a training from the saved model.'
      : 'Give the same options, or another folder.',
  })
}

/** A value; of a list of `name value`, a line each, the lines that the other doesn't have. */
function onlyOwn(value: string | number | boolean, other: Value | undefined): string {
  const lines = String(value).split('\n')
  const others = new Set(String(other ?? '').split('\n'))
  const own = lines.filter((line) => !others.has(line))
  const more = own.length > MAX_LINES ? `, … (${own.length} lines)` : ''
  return own.length === 0 ? 'none of these' : own.slice(0, MAX_LINES).join(', ') + more
}

/** Lines of a message about one field. */
const MAX_LINES = 5

function settingsOf(optimizer: Optimizer, pattern: RegExp | undefined): object {
  const groups = optimizer.groups.map(({ pattern: names, learningRate, weightDecay, frozen }) =>
    [names, learningRate, weightDecay, frozen].join(' '),
  )
  return { pattern: String(pattern ?? ''), class: optimizer.getClassName(), ...optimizer.getConfig(), groups }
}

/** Keys of a model's configuration that don't change what it computes. */
const IDLE =
  /^(dtype|torch_dtype|transformers_version|_name_or_path|architectures|_attn_implementation\w*|trained_with)$/

/** A value as lines of `name value`, sorted. */
function linesOf(value: unknown): string {
  return leaves(value, '').sort().join('\n')
}

function leaves(value: unknown, name: string): string[] {
  const hasParts = isObject(value) || (Array.isArray(value) && value.some(isObject))
  if (!hasParts) return [`${name} ${JSON.stringify(value)}`]
  const entries: [string, unknown][] = Object.entries(value).filter(([key]) => !IDLE.test(key))
  return entries.flatMap(([key, inner]) => leaves(inner, name === '' ? key : `${name}.${key}`))
}

/** All steps; of very many, some from beginning to end, and those at both ends. */
function sampledSteps(steps: number): readonly number[] {
  if (steps <= 20_000) return Array.from({ length: steps }, (_, step) => step)
  return Array.from({ length: 20_000 }, (_, i) =>
    i < 5000 ? i : i >= 15_000 ? steps - 20_000 + i : Math.floor((steps * (i - 5000)) / 10_000),
  )
}

const sourceOf = (own: (...args: never) => unknown): string => `function ${digest(own.toString())}`

const digest = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex').slice(0, 16)
