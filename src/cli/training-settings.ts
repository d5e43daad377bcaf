import { readFile } from 'node:fs/promises'
import { nearest } from '../../converters/formats/nearest.js'
import { ConfigError, FileError } from '../errors.js'
import type { Augmentation } from '../image/augment/augmentation.js'
import { isObject } from '../io/is-object.js'
import { FieldReader, type Limits } from '../io/field-reader.js'
import type { ParameterGroup } from '../training/optimizers/parameter-group.js'
import type { TrainOptions } from '../training/train-options.js'
import { LOSSES } from '../training/losses/loss-names.js'
import { PRECISIONS } from '../jit/precision.js'
import { ON_BROKEN } from '../training/data/broken-sample.js'
import { errorCode } from '../io/system-error.js'
import { trainDefaults } from '../training/train-defaults.js'

export const OPTIMIZERS = ['adamw', 'lion', 'adafactor', 'muon', 'sgd'] as const
export const SCHEDULES = ['cosine', 'rsqrt', 'constant'] as const

/** The defaults of `siglip train`, besides those of training. */
export const commandDefaults = Object.freeze({
  batchSize: 32,
  loss: trainDefaults.loss,
  optimizer: 'adamw',
  schedule: 'cosine',
  onBroken: 'fail',
} as const)

/** What a training is to be, each setting with its default. */
export type TrainingSettings = ReturnType<typeof settingsOf>

/**
 * The settings of a training: a file's, overridden by those of the command line.
 * @throws {FileError} if the file can't be read; ConfigError naming what is wrong in it
 */
export async function trainingSettings(
  given: Readonly<Record<string, unknown>>,
  file: string | undefined,
): Promise<TrainingSettings> {
  const fromFile = file === undefined ? {} : await readSettings(file)
  const said = Object.entries(given).filter(([, value]) => value !== undefined)
  return checkedSettings({ ...fromFile, ...Object.fromEntries(said) }, file ?? 'command line')
}

async function readSettings(file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const found = errorCode(cause)
    throw new FileError('The settings can’t be read', { found, where: file, hint: 'Check the path.', cause })
  })
  const format = /\.ya?ml$/i.test(file) ? 'YAML' : 'JSON'
  try {
    const value: unknown = format === 'YAML' ? (await import('yaml')).parse(text) : JSON.parse(text)
    if (isObject(value)) return value
  } catch (cause) {
    const found = cause instanceof Error ? cause.message.split('\n')[0] : undefined
    throw new ConfigError(`The settings are not ${format}`, { found, where: file, cause })
  }
  throw new ConfigError(`The settings are not ${format}`, { expected: 'names with their values', where: file })
}

function checkedSettings(given: Readonly<Record<string, unknown>>, where: string): TrainingSettings {
  checkNames(given, SETTINGS, where)
  return settingsOf(new FieldReader(given, where, 'camelCase'), where)
}

/** The one list of settings: their names, what they may be, and what they are by default. */
function settingsOf(read: FieldReader, where: string) {
  const text = (name: string): string | undefined => read.string(name, undefined)
  const count = (name: string, min = 1): number | undefined => read.integer(name, undefined, { min })
  const number = (name: string, limits: Limits = { min: 0 }): number | undefined => read.number(name, undefined, limits)
  return {
    data: text('data'),
    model: text('model'),
    revision: text('revision'),
    out: text('out'),
    loss: read.oneOf('loss', LOSSES, commandDefaults.loss),
    epochs: count('epochs'),
    steps: count('steps'),
    batchSize: count('batchSize') ?? commandDefaults.batchSize,
    lr: number('lr'),
    weightDecay: number('weightDecay'),
    optimizer: read.oneOf('optimizer', OPTIMIZERS, commandDefaults.optimizer),
    schedule: read.oneOf('schedule', SCHEDULES, commandDefaults.schedule),
    warmup: count('warmup', 0),
    cooldown: count('cooldown', 0),
    lora: loraOf(read.take('lora'), where),
    groups: groupsOf(read.take('groups'), where),
    freeze: patternsOf(read.take('freeze'), where),
    precision: read.oneOf('precision', PRECISIONS, trainDefaults.precision),
    seed: count('seed', 0) ?? trainDefaults.seed,
    resume: read.boolean('resume', trainDefaults.resume),
    clipNorm: number('clipNorm'),
    maxLogitScale: number('maxLogitScale', { min: 1 }),
    ema: number('ema', { min: 0, max: 1 }),
    microBatches: count('microBatches'),
    keepPatches: keepPatchesOf(read.object('keepPatches'), where),
    onBroken: read.oneOf('onBroken', ON_BROKEN, commandDefaults.onBroken),
    augmentation: read.object('augmentation') as Augmentation | undefined, // its own check names what is wrong
    saveEvery: count('saveEvery'),
    keepCheckpoints: count('keepCheckpoints'),
    distinct: read.oneOf('distinct', ['label', 'caption'], undefined),
    neighbours: count('neighbours'),
    each: read.oneOf('each', ['sample', 'label'], undefined),
    eval: text('eval'),
    evalEvery: count('evalEvery'),
    captionColumn: text('captionColumn'),
  }
}

/** The names of all settings: those of the command line, and what only a file can say. */
export const SETTINGS: readonly string[] = Object.keys(settingsOf(new FieldReader({}), 'defaults'))

function checkNames(given: object, names: readonly string[], where: string): void {
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue
    const near = nearest(name, names)
    throw new ConfigError('Unknown setting', {
      found: name,
      where,
      hint: near === undefined ? `Settings are ${names.join(', ')}.` : `Did you mean ${near}?`,
    })
  }
}

/** The names inside settings that are objects. The types hold the lists complete. */
const LORA: Readonly<Record<keyof LoraSettings, true>> = { r: true, alpha: true, pattern: true }
const KEEP_PATCHES: Readonly<Record<keyof NonNullable<TrainOptions['keepPatches']>, true>> = {
  share: true,
  fullShare: true,
}
const GROUP: Readonly<Record<keyof ParameterGroup, true>> = {
  pattern: true,
  learningRate: true,
  weightDecay: true,
  frozen: true,
}

/** LoRA settings: `r=8`, `r=8,alpha=16`, or an object of a file. */
function loraOf(value: unknown, where: string): LoraSettings | undefined {
  if (value === undefined) return undefined
  const given = typeof value === 'string' ? pairsOf(value, where) : value
  const read = new FieldReader(given, `lora in ${where}`, 'camelCase')
  if (isObject(given)) checkNames(given, Object.keys(LORA), `lora in ${where}`)
  const r = read.integer('r', 8)
  const pattern = read.string('pattern', undefined)
  return { r, alpha: read.number('alpha', 8), pattern: pattern === undefined ? undefined : patternOf(pattern, where) }
}

/** Of `addLora`. */
export interface LoraSettings {
  readonly r: number
  readonly alpha: number
  readonly pattern: RegExp | undefined
}

function pairsOf(text: string, where: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [, name, value] = /^(\w+)=(.+)$/.exec(pair.trim()) ?? []
      if (name === undefined || value === undefined) {
        throw new ConfigError('Invalid lora', { expected: 'such as r=8,alpha=16', found: text, where })
      }
      return [name, name === 'pattern' ? value : Number(value)]
    }),
  )
}

function keepPatchesOf(value: object | undefined, where: string): TrainOptions['keepPatches'] {
  if (!value) return undefined
  checkNames(value, Object.keys(KEEP_PATCHES), `keepPatches in ${where}`)
  const read = new FieldReader(value, `keepPatches in ${where}`, 'camelCase')
  const shareOf = (name: string): number | undefined => read.number(name, undefined, { min: 0, max: 1 })
  const share = shareOf('share')
  if (share === undefined) throw read.wrong('share', 'a number from 0 to 1', undefined)
  return { share, fullShare: shareOf('fullShare') }
}

/** Parameter groups, e.g. `[{ "pattern": "^logit_", "learningRate": 5 }]`. */
function groupsOf(value: unknown, where: string): readonly ParameterGroup[] {
  const given: readonly unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
  return given.map((group, i) => {
    const place = `groups[${i}] in ${where}`
    const read = new FieldReader(group, place, 'camelCase')
    if (isObject(group)) checkNames(group, Object.keys(GROUP), place)
    const number = (name: string): number | undefined => read.number(name, undefined, { min: 0 })
    return {
      pattern: patternOf(read.take('pattern'), place),
      learningRate: number('learningRate'),
      weightDecay: number('weightDecay'),
      frozen: read.boolean('frozen', undefined),
    }
  })
}

function patternsOf(value: unknown, where: string): readonly RegExp[] {
  const texts: readonly unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value]
  return texts.map((text) => patternOf(text, where))
}

function patternOf(text: unknown, where: string): RegExp {
  try {
    if (typeof text === 'string') return new RegExp(text)
  } catch (cause) {
    throw new ConfigError('Invalid pattern', { expected: 'a regular expression', found: String(text), where, cause })
  }
  throw new ConfigError('Invalid pattern', { expected: 'a text', found: typeof text, where })
}
