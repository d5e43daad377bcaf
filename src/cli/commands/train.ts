import { existsSync } from 'node:fs'
import path from 'node:path'
import { Option, type Command } from 'commander'
import { UsageError } from '../../errors.js'
import type { BackendPreference } from '../../backend/backend-report.js'
import { lineOf, ON_BROKEN, type BrokenSample } from '../../training/data/broken-sample.js'
import type { Lora } from '../../training/lora/lora.js'
import type { ParameterGroup } from '../../training/optimizers/parameter-group.js'
import type { Schedule } from '../../training/optimizers/schedule.js'
import {
  CONTRASTIVE_OPTIONS,
  type OptimizerMaker,
  type OptimizerPart,
  type StepReport,
  type TrainResult,
} from '../../training/train-options.js'
import { backendOption, limitThreads, revisionOption, threadsOption } from '../model-options.js'
import { openCheckpoint } from '../open-checkpoint.js'
import { openData } from '../open-data.js'
import { count, gathered, oneOf, amount, wholeNumber } from '../option-values.js'
import { printable } from '../printable.js'
import { trainee, type Trainee } from '../trainee.js'
import { Progress } from '../progress.js'
import type { Session } from '../session.js'
import { truncationReporter } from '../truncation-reporter.js'
import { isOfClasses, LOSSES } from '../../training/losses/loss-names.js'
import { PRECISIONS } from '../../jit/precision.js'
import { defaultWarmup, trainDefaults } from '../../training/train-defaults.js'
import {
  commandDefaults,
  OPTIMIZERS,
  SCHEDULES,
  SETTINGS,
  trainingSettings,
  type TrainingSettings,
} from '../training-settings.js'

/** How long a checkpoint may take after Ctrl-C, in milliseconds. */
const SAVING = 600_000

/** `siglip train`: trains a model on images with captions, or a classifier on images with classes. */
export function addTrain(program: Command, session: Session): void {
  const command = program
    .command('train')
    .description(
      'Trains a model on images with captions, or a classifier on folders of images. A run is one process; start several ' +
        'for several runs. Ctrl-C saves a checkpoint; --resume continues from it bit-identically.',
    )
    .argument(
      '[data]',
      'a folder with metadata.jsonl or metadata.csv, or with one folder per class; or .tar shards: a-{00..09}.tar',
    )
    .option('--model <dir>', 'the model to train: a folder, a URL, or a name on the Hugging Face Hub')
    .addOption(revisionOption())
    .option('--out <dir>', 'folder of checkpoints, metrics for TensorBoard, and the trained model in model/')
    .option('--caption-column <name>', 'column of metadata.jsonl or .csv (default: text, caption, captions or label)')
    .addOption(
      new Option('--loss <name>', `${LOSSES.join(', ')} (default: ${commandDefaults.loss})`).argParser(oneOf(LOSSES)),
    )
    .option('--epochs <n>', 'passes over the data', count)
    .option('--steps <n>', 'optimizer steps, instead of --epochs', count)
    .option('--batch-size <n>', `images per step (default: ${commandDefaults.batchSize})`, count)
    .option(
      '--micro-batches <n>',
      `split each batch into this many, to save memory (default: ${trainDefaults.microBatches})`,
      count,
    )
    .option(
      '--lr <rate>',
      `learning rate (default: depends on the optimizer, ${trainDefaults.learningRate} for adamw)`,
      amount,
    )
    .option('--weight-decay <rate>', 'weight decay coefficient', amount)
    .addOption(
      new Option('--optimizer <name>', `${OPTIMIZERS.join(', ')} (default: ${commandDefaults.optimizer})`).argParser(
        oneOf(OPTIMIZERS),
      ),
    )
    .addOption(
      new Option('--schedule <name>', `${SCHEDULES.join(', ')} (default: ${commandDefaults.schedule})`).argParser(
        oneOf(SCHEDULES),
      ),
    )
    .option('--warmup <steps>', 'warm-up steps (default: 5 % of the steps)', wholeNumber)
    .option(
      '--cooldown <steps>',
      'linear decay to 0 over the last steps, on top of the schedule (default: none)',
      wholeNumber,
    )
    .option('--lora <settings>', 'train only LoRA adapters (and a classifier’s head): r=8 or r=8,alpha=16')
    .option('--freeze <pattern>', 'regular expression of parameters to freeze; may be repeated', gathered)
    .option('--ema <decay>', 'evaluate and save a moving average of the weights, e.g. 0.999', amount)
    .addOption(
      new Option('--precision <name>', `${PRECISIONS.join(', ')} (default: ${trainDefaults.precision})`).argParser(
        oneOf(PRECISIONS),
      ),
    )
    .option('--seed <n>', `random seed (default: ${trainDefaults.seed})`, wholeNumber)
    .option('--save-every <steps>', `steps between checkpoints (default: ${trainDefaults.saveEvery})`, count)
    .option('--eval <data>', 'evaluation data, used at the end and with --eval-every')
    .option('--eval-every <steps>', 'steps between evaluations', count)
    .addOption(
      new Option(
        '--on-broken <what>',
        `what to do with broken images and captions: fail or skip (default: ${commandDefaults.onBroken})`,
      ).argParser(oneOf(ON_BROKEN)),
    )
    .option('--resume', 'continue from the newest checkpoint in --out')
  const named = new Set(['data', ...command.options.map((option) => option.attributeName())])
  const others = SETTINGS.filter((name) => !named.has(name))
  command
    .option(
      '--config <file>',
      'a JSON or YAML file with any of these settings, in camelCase, and others that docs/fine-tuning.md describes: ' +
        others.join(', '),
    )
    .addOption(backendOption())
    .addOption(threadsOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ siglip train photos --model google/siglip-base-patch16-224 --lora r=8 --epochs 3 --out run',
    )
    .action((data: string | undefined, options: Options) => train(data, options, session))
}

interface Options extends Readonly<Record<string, unknown>> {
  readonly config?: string
  readonly backend: BackendPreference
  readonly threads?: number
}

async function train(data: string | undefined, options: Options, session: Session): Promise<void> {
  const { config, backend, threads, ...given } = options
  const settings = await trainingSettings({ ...given, data }, config)
  const [source, folder, out] = [needed(settings, 'data'), needed(settings, 'model'), needed(settings, 'out')]
  if ((settings.epochs === undefined) === (settings.steps === undefined)) {
    throw new UsageError('The length of the training is ambiguous', {
      expected: 'either --epochs or --steps',
      found: settings.epochs === undefined ? 'neither' : 'both',
    })
  }
  checkTogether(settings)
  limitThreads({ threads })
  session.grace = SAVING

  const { useBackend } = await import('../../jit/use-backend.js')
  const { Trainer } = await import('../../training/trainer.js')
  await useBackend(backend)
  const looksAtAll = settings.loss === 'classification' // of which a confusion is drawn at the end
  const samples = await openData(source, { ...settings, looksAtAll }, session)
  const evaluation =
    settings.eval === undefined ? undefined : await openData(settings.eval, { ...settings, looksAtAll: true }, session)
  const { model, processor, check, evaluate } = await trainee(
    settings,
    await openCheckpoint(folder, settings, session),
    samples,
  )
  let progress: Progress | undefined
  try {
    if (evaluation) await check(evaluation)
    checkPatterns(settings, model)
    const trainer = await Trainer.prepare({
      ...trainerSettings(settings),
      ...{ model, processor, data: samples, out, signal: session.signal },
      loss: isOfClasses(settings.loss) ? undefined : settings.loss,
      lora: await loraOf(settings, model),
      baseModel: existsSync(folder) ? path.resolve(folder) : nameAt(folder, settings.revision),
      optimizer: await optimizerOf(settings),
      schedule: await scheduleOf(settings),
      evaluators: evaluation && { eval: { every: settings.evalEvery, evaluate: () => evaluate(evaluation, session) } },
      onLeftOut: settings.onBroken === 'skip' ? leftOut(session) : undefined,
      onTruncated: truncationReporter(session),
      onStep: reporter(session, () => progress),
    })
    progress = await Progress.start(session, trainer.steps, 0, 'steps', trainer.step)
    const result = await trainer.run().finally(() => {
      progress?.end()
      trainer.dispose()
    })
    report(result, trainer.steps, session)
    if (!result.isComplete || settings.loss !== 'classification' || 'textModel' in model) return
    const { drawConfusion } = await import('../../pipelines/train-classifier.js')
    const { allSamples } = await import('../../pipelines/evaluated-model.js')
    const { accuracy } = await drawConfusion(out, { model, processor }, await allSamples(evaluation ?? samples))
    session.say(`${path.join(out, 'confusion.svg')}: accuracy ${accuracy.toFixed(4)}`)
  } finally {
    model.dispose()
  }
}

/** Settings that this command makes something of. */
type OwnSetting =
  | 'data'
  | 'model'
  | 'revision'
  | 'out'
  | 'captionColumn'
  | 'eval'
  | 'evalEvery'
  | 'loss'
  | 'lora'
  | 'lr'
  | 'weightDecay'
  | 'optimizer'
  | 'freeze'
  | 'groups'
  | 'schedule'
  | 'warmup'
  | 'cooldown'
  | 'onBroken'

/** All other settings are options of the trainer by the same name. One that is forgotten here is an error of the compiler. */
function trainerSettings(settings: TrainingSettings): Omit<TrainingSettings, OwnSetting> {
  const { epochs, steps, batchSize, distinct, each, neighbours, seed, precision, clipNorm, ema } = settings
  const { maxLogitScale, microBatches, keepPatches, augmentation, saveEvery, keepCheckpoints, resume } = settings
  return {
    ...{ epochs, steps, batchSize, distinct, each, neighbours, seed, precision, clipNorm, ema, maxLogitScale },
    ...{ microBatches, keepPatches, augmentation, saveEvery, keepCheckpoints, resume },
  }
}

/** The name of a model on the hub with its revision. */
const nameAt = (model: string, revision: string | undefined): string =>
  revision === undefined || model.includes('@') ? model : `${model}@${revision}`

/** Adapters; the new top layer of a classifier is trained whole beside them. */
async function loraOf({ lora, seed }: TrainingSettings, model: Trainee['model']): Promise<Lora | undefined> {
  if (!lora) return undefined
  const { addLora } = await import('../../training/lora/add-lora.js')
  return addLora(model, { ...lora, seed, modulesToSave: 'textModel' in model ? [] : ['classifier'] })
}

/** Reports each undecodable image once, for shards that were not validated before. */
function leftOut(session: Session): (broken: BrokenSample) => void {
  const said = new Set<string>()
  return (broken) => {
    if (said.has(broken.where)) return
    said.add(broken.where)
    session.say(`left out ${lineOf(broken)}`)
  }
}

/** Milliseconds between two lines where there is no bar. */
const LINES_EVERY = 10_000

/** Shows where a training is: in the bar of a terminal, or by a line now and then. */
function reporter(session: Session, bar: () => Progress | undefined): (report: StepReport) => void {
  let reportedAt = 0
  return ({ step, steps, loss, imagesPerSecond, secondsLeft }) => {
    const pace = `loss ${loss.toPrecision(4)}, ${imagesPerSecond.toPrecision(3)} images/s`
    bar()?.step(`, ${pace}`)
    if (process.stderr.isTTY) session.print(() => undefined)
    else if (step === steps || Date.now() - reportedAt > LINES_EVERY) {
      session.say(`step ${step} of ${steps}: ${pace}, ${Math.ceil(secondsLeft)} s left`)
      reportedAt = Date.now()
    }
  }
}

function report({ step, isComplete, folder, figures }: TrainResult, steps: number, session: Session): void {
  session.say(
    isComplete ? `${folder}: trained ${step} steps` : `${folder}: step ${step} of ${steps}; continue with --resume`,
  )
  for (const [name, value] of Object.values(figures).flatMap((found) => Object.entries(found))) {
    session.print(() => process.stdout.write(`${printable(name)}  ${value.toFixed(4)}\n`))
  }
}

/** @throws {UsageError} for settings that exclude each other */
function checkTogether({ loss, lora, optimizer, ...settings }: TrainingSettings): void {
  if (lora && optimizer === 'muon') {
    throw new UsageError('Muon does not train adapters', {
      found: '--lora with --optimizer muon',
      hint: 'It updates whole matrices of the encoders. Use adamw.',
    })
  }
  const given: Readonly<Record<string, unknown>> = settings
  for (const name of CONTRASTIVE_OPTIONS) {
    if (!isOfClasses(loss) || given[name] === undefined) continue
    throw new UsageError(`A classifier does not support ${name}`, {
      found: `${name} with --loss ${loss}`,
      hint: 'Remove the setting, or choose another loss.',
    })
  }
}

/** @throws {UsageError} for a pattern that matches no parameter, which would silently have no effect */
function checkPatterns({ freeze, groups }: TrainingSettings, model: Trainee['model']): void {
  const names = [...model.namedParameters().keys()]
  for (const pattern of [...freeze, ...groups.map((group) => group.pattern)]) {
    if (names.some((name) => name.search(pattern) >= 0)) continue
    throw new UsageError('A pattern matches no parameter', {
      expected: `one of names such as ${names[0] ?? ''}`,
      found: pattern.source,
      where: freeze.includes(pattern) ? 'freeze' : 'groups',
    })
  }
}

function needed(settings: TrainingSettings, name: 'data' | 'model' | 'out'): string {
  const value = settings[name]
  if (value !== undefined) return value
  const hint =
    name === 'data'
      ? 'Name the images: siglip train DATA, or data in the --config file.'
      : `Set --${name}, or ${name} in the --config file.`
  throw new UsageError(`Missing ${name}`, { hint })
}

async function optimizerOf({
  optimizer,
  lr,
  weightDecay,
  freeze,
  groups: given,
}: TrainingSettings): Promise<readonly OptimizerPart[]> {
  const { AdamW } = await import('../../training/optimizers/adamw.js')
  const { noDecay } = await import('../../training/optimizers/parameter-group.js')
  const frozen = freeze.map((pattern): ParameterGroup => ({ pattern, frozen: true }))
  const groups = [...frozen, ...given, noDecay]
  const adamw: OptimizerPart = {
    make: (parameters) =>
      new AdamW({ parameters, groups, weightDecay, learningRate: lr ?? trainDefaults.learningRate }),
  }
  const settings = { groups, weightDecay, learningRate: lr }
  switch (optimizer) {
    case 'adamw':
      return [adamw]
    case 'lion': {
      const { Lion } = await import('../../training/optimizers/lion.js')
      return [{ make: (parameters) => new Lion({ parameters, ...settings }) }]
    }
    case 'adafactor': {
      const { Adafactor } = await import('../../training/optimizers/adafactor.js')
      return [{ make: (parameters) => new Adafactor({ parameters, ...settings }) }]
    }
    case 'sgd': {
      const { SGD } = await import('../../training/optimizers/sgd.js')
      return [{ make: (parameters) => new SGD({ parameters, ...settings }) }]
    }
    case 'muon': {
      const { Muon } = await import('../../training/optimizers/muon.js')
      const make: OptimizerMaker = (parameters) => new Muon({ parameters, ...settings, adjust: 'matchRmsAdamw' })
      return [{ pattern: /encoder\..*(proj|fc\d)\.weight$/, make }, adamw]
    }
  }
}

async function scheduleOf({ schedule, warmup, cooldown }: TrainingSettings): Promise<(steps: number) => Schedule> {
  const { constantSchedule, cosineSchedule, rsqrtSchedule } = await import('../../training/optimizers/schedule.js')
  const make = { constant: constantSchedule, cosine: cosineSchedule, rsqrt: rsqrtSchedule }[schedule]
  return (steps) => make({ steps, cooldown, warmup: warmup ?? defaultWarmup(steps) })
}
