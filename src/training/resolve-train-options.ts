import { nearest } from '../../converters/formats/nearest.js'
import { InputError } from '../errors.js'
import { checkAugmentation } from '../image/augment/augmentation.js'
import { TwoTowerModel } from '../models/siglip/modeling.js'
import { sampleBatches } from './data/batches.js'
import type { TrainingData } from './data/sample.js'
import { AdamW } from './optimizers/adamw.js'
import { noDecay } from './optimizers/parameter-group.js'
import { cosineSchedule, type Schedule } from './optimizers/schedule.js'
import type { TrainConfig } from './train-config.js'
import { defaultWarmup, trainDefaults } from './train-defaults.js'
import { CONTRASTIVE_OPTIONS, type OptimizerMaker, type OptimizerPart, type TrainOptions } from './train-options.js'

/**
 * Checks a training's options and fills the defaults in. `epochs` are counted in steps: the data is read once, without its images.
 *
 * @returns the configuration of the training, frozen
 * @throws {InputError} naming the option that is wrong, unknown, or of no effect for this model
 */
export async function resolveTrainOptions(options: TrainOptions): Promise<TrainConfig> {
  checkNames(options)
  checkData(options.data)
  checkObjective(options)
  const { batchSize, model, evaluators = {} } = options
  const steps = await stepsOf(options)
  const config: TrainConfig = {
    ...{ model, processor: options.processor, data: options.data, out: options.out },
    ...{ lora: options.lora, baseModel: options.baseModel, steps, batchSize },
    shuffle: options.shuffle ?? trainDefaults.shuffle,
    distinct: options.distinct,
    each: options.each ?? trainDefaults.each,
    neighbours: checkCount('neighbours', options.neighbours ?? trainDefaults.neighbours),
    seed: checkSeed(options.seed ?? trainDefaults.seed),
    loss: model instanceof TwoTowerModel ? (options.loss ?? trainDefaults.loss) : undefined,
    optimizer: optimizerParts(options.optimizer ?? fineTuning),
    schedule: (options.schedule ?? defaultSchedule)(steps),
    clipNorm: checkPositive('clipNorm', options.clipNorm ?? trainDefaults.clipNorm),
    maxLogitScale: options.maxLogitScale && checkPositive('maxLogitScale', options.maxLogitScale),
    ema: options.ema,
    keepPatches: keptShares(options.keepPatches),
    microBatches: checkMicroBatches(options.microBatches ?? trainDefaults.microBatches, batchSize),
    augmentation: options.augmentation && deepFrozen(structuredClone(checkAugmentation(options.augmentation))),
    caption: options.caption,
    matches: options.matches,
    precision: options.precision ?? trainDefaults.precision,
    evaluators,
    saveEvery: checkCount('saveEvery', options.saveEvery ?? trainDefaults.saveEvery),
    keepCheckpoints: checkCount('keepCheckpoints', options.keepCheckpoints ?? trainDefaults.keepCheckpoints),
    resume: options.resume ?? trainDefaults.resume,
    ...{ signal: options.signal, onStep: options.onStep },
    ...{ onLeftOut: options.onLeftOut, onTruncated: options.onTruncated },
  }
  for (const [name, { every }] of Object.entries(evaluators)) {
    if (every !== undefined) checkCount(`evaluators.${name}.every`, every)
  }
  return Object.freeze(config)
}

/** AdamW for a model that is trained already. */
const fineTuning: OptimizerMaker = (parameters) =>
  new AdamW({ parameters, learningRate: trainDefaults.learningRate, groups: [noDecay] })

const defaultSchedule = (steps: number): Schedule => cosineSchedule({ steps, warmup: defaultWarmup(steps) })

function optimizerParts(given: OptimizerMaker | readonly OptimizerPart[]): readonly OptimizerPart[] {
  return Object.freeze(typeof given === 'function' ? [{ make: given }] : [...given])
}

/** Names of options. The type holds the list complete. */
const NAMES: Readonly<Record<keyof TrainOptions, true>> = {
  ...{ model: true, processor: true, data: true, out: true, steps: true, epochs: true, batchSize: true },
  ...{ shuffle: true, distinct: true, each: true, neighbours: true, seed: true, loss: true, optimizer: true },
  ...{ schedule: true, lora: true, baseModel: true, clipNorm: true, maxLogitScale: true, ema: true },
  ...{ keepPatches: true, microBatches: true, augmentation: true, caption: true, matches: true, precision: true },
  ...{ evaluators: true, saveEvery: true, keepCheckpoints: true, resume: true, signal: true, onStep: true },
  ...{ onLeftOut: true, onTruncated: true },
}

/** Programs in JavaScript may misspell a name: it would silently have no effect. */
function checkNames(options: TrainOptions): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(NAMES, name)) continue
    const near = nearest(name, Object.keys(NAMES))
    throw new InputError('Unknown option of a training', {
      expected: near ?? Object.keys(NAMES).join(', '),
      found: name,
    })
  }
}

/** Programs in JavaScript pass the path of a folder. */
function checkData(data: TrainingData): void {
  const given: unknown = data
  if (typeof given === 'object' && given !== null && 'pool' in given) return
  throw new InputError('Invalid training data', {
    expected: 'an ImageFolder, a WebDataset or another object with a `pool`',
    found: typeof data,
    where: 'data',
    hint: 'For a folder of images, pass `await ImageFolder.open(folder)`.',
  })
}

function checkObjective({ model, processor, ...options }: TrainOptions): void {
  if (model instanceof TwoTowerModel) {
    if (processor.tokenizer) return
    throw new InputError('The processor has no tokenizer', {
      expected: 'an image processor and a tokenizer',
      where: 'processor',
      hint: 'A model of two towers needs both: use SiglipProcessor or AutoProcessor.',
    })
  }
  for (const name of CONTRASTIVE_OPTIONS) {
    if (options[name] === undefined) continue
    throw new InputError(`A classifier does not support ${name}`, {
      where: name,
      hint: 'Remove the option, or train a model of two towers.',
    })
  }
}

async function stepsOf({ steps, epochs, data, ...plan }: TrainOptions): Promise<number> {
  if ((steps === undefined) === (epochs === undefined)) {
    throw new InputError('The length of the training is ambiguous', {
      expected: 'either steps or epochs',
      found: steps === undefined ? 'neither' : 'both',
    })
  }
  if (steps !== undefined) return checkCount('steps', steps)
  let counted = 0
  const batches = sampleBatches(data, { ...plan, epochs: checkCount('epochs', epochs) })
  while (!(await batches.next()).done) counted++
  return counted
}

function keptShares(given: TrainOptions['keepPatches']): TrainConfig['keepPatches'] {
  const { share = 1, fullShare = trainDefaults.fullShare } = given ?? {}
  if (share > 0 && share <= 1 && fullShare >= 0 && fullShare <= 1) return Object.freeze({ share, fullShare })
  throw new InputError('Invalid keepPatches', {
    expected: 'share above 0 and fullShare from 0, both at most 1',
    found: `share ${share}, fullShare ${fullShare}`,
  })
}

function checkMicroBatches(value: number, batchSize: number): number {
  if (batchSize % checkCount('microBatches', value) === 0) return value
  throw new InputError('Invalid microBatches', {
    expected: `a divisor of ${batchSize}, the batch size`,
    found: `${value}`,
  })
}

function checkCount(name: string, value: number | undefined): number {
  if (value !== undefined && Number.isSafeInteger(value) && value >= 1) return value
  throw new InputError(`Invalid ${name}`, { expected: 'a whole number from 1', found: String(value) })
}

function checkSeed(value: number): number {
  if (Number.isSafeInteger(value)) return value
  throw new InputError('Invalid seed', { expected: 'a whole number', found: String(value) })
}

/** Infinity stands for no bound. */
function checkPositive(name: string, value: number): number {
  if (value > 0) return value
  throw new InputError(`Invalid ${name}`, { expected: 'a number above 0', found: String(value) })
}

function deepFrozen<T extends object>(value: T): T {
  for (const inner of Object.values(value) as unknown[]) if (typeof inner === 'object' && inner) deepFrozen(inner)
  return Object.freeze(value)
}
