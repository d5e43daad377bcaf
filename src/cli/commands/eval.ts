import { Option, type Command } from 'commander'
import type { Precision } from '../../jit/precision.js'
import type { Sample } from '../../training/data/sample.js'
import { ON_BROKEN, type OnBroken } from '../../training/data/broken-sample.js'
import { promptSets } from '../../training/metrics/prompt-sets.js'
import type { OnTruncatedTexts } from '../../tokenizer/truncated-texts.js'
import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import { addModelOptions, limitThreads, modelFolder, type ModelOptions } from '../model-options.js'
import { openCheckpoint } from '../open-checkpoint.js'
import { openData } from '../open-data.js'
import { count, oneOf } from '../option-values.js'
import { jsonLine, printable } from '../printable.js'
import { Progress } from '../progress.js'
import type { Session } from '../session.js'
import { truncationReporter } from '../truncation-reporter.js'

const TASKS = ['retrieval', 'zero-shot', 'classification', 'multi-label'] as const
const PROMPTS = ['name', 'clip7', 'clip80'] as const satisfies readonly (keyof typeof promptSets)[]

interface Options extends ModelOptions {
  readonly task: (typeof TASKS)[number]
  readonly prompts: (typeof PROMPTS)[number]
  readonly batchSize: number
  readonly onBroken: OnBroken
  readonly captionColumn?: string
  readonly json?: true
}

/** Metrics by name. */
type Figures = Readonly<Record<string, number>>

/** `siglip eval`: evaluates a model on images with known captions or classes. */
export function addEval(program: Command, session: Session): void {
  const command = program
    .command('eval')
    .description('Evaluates a model on images with known captions or classes.')
    .argument('<data>', 'a folder with metadata.jsonl or metadata.csv, or with one folder per class; or .tar shards')
    .addOption(
      new Option(
        '--task <name>',
        'retrieval (captions), zero-shot (class names), classification or multi-label (a trained classifier)',
      )
        .argParser(oneOf(TASKS))
        .default('retrieval'),
    )
    .addOption(
      new Option('--prompts <set>', `prompt templates for zero-shot: ${PROMPTS.join(', ')}`)
        .argParser(oneOf(PROMPTS))
        .default('name'),
    )
    .option('--caption-column <name>', 'column of metadata.jsonl or .csv (default: text, caption, captions or label)')
    .option('--batch-size <n>', 'images per batch', count, 32)
    .addOption(
      new Option('--on-broken <what>', 'what to do with broken images and captions: fail or skip')
        .argParser(oneOf(ON_BROKEN))
        .default('fail'),
    )
  addModelOptions(command)
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  $ siglip eval photos --task retrieval --model run/model')
    .action((data: string, options: Options) => evaluate(data, options, session))
}

async function evaluate(source: string, options: Options, session: Session): Promise<void> {
  const folder = modelFolder(options, session)
  limitThreads(options)
  const { useBackend } = await import('../../jit/use-backend.js')
  const { allSamples } = await import('../../pipelines/evaluated-model.js')
  await useBackend(options.backend)
  const samples = await allSamples(await openData(source, { ...options, looksAtAll: true }, session))
  const checkpoint = await openCheckpoint(folder, options, session)
  const progress = await Progress.start(session, samples.length, 64, 'images')
  let seen = 0
  const run: Run = {
    ...options,
    signal: session.signal,
    onTruncated: truncationReporter(session),
    onProgress: ({ done }) => {
      while (seen < Math.min(done, samples.length)) {
        progress.step()
        seen++
      }
    },
  }
  const figures = await (isOfClassifier(options) ? ofClassifier : ofTowers)(samples, checkpoint, run).finally(() => {
    progress.end()
  })
  session.print(() => process.stdout.write(options.json ? `${jsonLine(figures)}\n` : table(figures)))
}

/** How samples are evaluated. */
interface Run extends Pick<Options, 'task' | 'prompts' | 'batchSize'> {
  readonly precision: Precision
  readonly jit: boolean
  readonly signal: AbortSignal
  readonly onTruncated: OnTruncatedTexts
  readonly onProgress: (progress: { readonly done: number }) => void
}

const isOfClassifier = ({ task }: Options): boolean => task === 'classification' || task === 'multi-label'

async function ofTowers(samples: readonly Sample[], checkpoint: CheckpointFolder, run: Run): Promise<Figures> {
  const { AutoModelForZeroShotImageClassification } = await import('../../models/auto/auto-model.js')
  const { AutoProcessor } = await import('../../processor/auto-processor.js')
  const { evaluateRetrieval, recallFigures } = await import('../../pipelines/evaluate-retrieval.js')
  const { evaluateZeroShot } = await import('../../pipelines/evaluate-zero-shot.js')
  const processor = await AutoProcessor.fromPretrained(checkpoint)
  const model = await AutoModelForZeroShotImageClassification.fromPretrained(checkpoint)
  try {
    if (run.task === 'retrieval') return recallFigures(await evaluateRetrieval({ model, processor }, samples, run))
    const templates = promptSets[run.prompts]
    return topFigures(await evaluateZeroShot({ model, processor }, samples, { ...run, templates }))
  } finally {
    model.dispose()
  }
}

async function ofClassifier(samples: readonly Sample[], checkpoint: CheckpointFolder, run: Run): Promise<Figures> {
  const { AutoModelForImageClassification } = await import('../../models/auto/auto-model.js')
  const { AutoImageProcessor } = await import('../../image/processors/auto-image-processor.js')
  const { accuracyFigure, evaluateClassifier, evaluateMultiLabel, precisionFigure } =
    await import('../../pipelines/evaluate-classifier.js')
  const processor = { imageProcessor: await AutoImageProcessor.fromPretrained(checkpoint) }
  const model = await AutoModelForImageClassification.fromPretrained(checkpoint)
  const label = (i: number): string => model.config.label(i)
  try {
    if (run.task === 'multi-label') {
      const report = await evaluateMultiLabel({ model, processor }, samples, run)
      const each = report.classes.flatMap((value, i): [string, number][] =>
        value === undefined ? [] : [[`average precision of ${label(i)}`, value]],
      )
      return { ...precisionFigure(report), ...Object.fromEntries(each) }
    }
    const report = await evaluateClassifier({ model, processor }, samples, run)
    const each = report.classes.flatMap(({ f1, support }, i): [string, number][] =>
      support > 0 ? [[`F1 of ${label(i)}`, f1]] : [],
    )
    return { ...accuracyFigure(report), ...Object.fromEntries(each) }
  } finally {
    model.dispose()
  }
}

const topFigures = (accuracy: Readonly<Record<number, number>>): Figures =>
  Object.fromEntries(Object.entries(accuracy).map(([k, share]) => [`top-${k} accuracy`, share]))

const table = (figures: Figures): string =>
  Object.entries(figures)
    .map(([name, value]) => `${printable(name)}  ${value.toFixed(4)}\n`)
    .join('')
