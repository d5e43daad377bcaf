import { InvalidArgumentError, type Command } from 'commander'
import { UsageError } from '../errors.js'
import type { LabelScore } from '../pipelines/zero-shot-image-classification.js'
import { decodedPictures } from './decoded-pictures.js'
import { findPictures } from './find-pictures.js'
import {
  backendOption,
  jitOption,
  limitThreads,
  modelFolder,
  modelOption,
  precisionOption,
  threadsOption,
  type ModelOptions,
} from './model-options.js'
import { count, gathered } from './option-values.js'
import { jsonLine, printable } from './printable.js'
import { openCheckpoint } from './open-checkpoint.js'
import { Progress } from './progress.js'
import { scoreTable } from './score-table.js'
import type { Session } from './session.js'
import { shortestFloat32 } from './shortest-float32.js'

interface Options extends ModelOptions {
  readonly labels?: readonly string[]
  readonly label?: readonly string[]
  readonly template?: string
  readonly top?: number
  readonly json?: true
}

/** `siglip classify`: pictures scored against labels. */
export function addClassify(program: Command, session: Session): void {
  program
    .command('classify')
    .description('Scores pictures against labels. Each score is a probability of its own; they do not add up to one.')
    .argument(
      '<image...>',
      'files, folders (their own pictures, not those of folders inside), patterns, URLs, - for stdin',
    )
    .option('--labels <list>', 'labels between commas', commaSeparated)
    .option('--label <text>', 'one label; may be repeated', label)
    .option(
      '--template <text>',
      'the sentence around each label (default: the model’s, or "This is a photo of {}.")',
      template,
    )
    .option('--top <k>', 'the best K labels only', count)
    .addOption(modelOption())
    .addOption(backendOption())
    .addOption(precisionOption())
    .addOption(jitOption())
    .addOption(threadsOption())
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  $ siglip classify photos/*.jpg --labels "a cat, two dogs" --model DIR')
    .action((images: readonly string[], options: Options) => classify(images, options, session))
}

async function classify(args: readonly string[], options: Options, session: Session): Promise<void> {
  const labels = [...(options.labels ?? []), ...(options.label ?? [])]
  if (labels.length === 0) throw new UsageError('No labels', { hint: 'Give them by --labels "a cat, two dogs".' })
  const folder = modelFolder(options, session)
  const names = await findPictures(args)

  const { useBackend } = await import('#backend')
  const { pipeline } = await import('../pipelines/pipeline.js')
  limitThreads(options)
  await useBackend(options.backend)
  const { precision, jit } = options
  const checkpoint = await openCheckpoint(folder, session)
  const classifier = await pipeline('zero-shot-image-classification', checkpoint, { precision, jit })
  const decodedNames: string[] = []
  const images = decodedPictures(names, decodedNames, classifier.processor, session)
  const run = { hypothesisTemplate: options.template, topK: options.top, signal: session.signal }
  const progress = await Progress.start(session, names.length, 8, 'pictures')
  try {
    for await (const scores of classifier.stream(images, labels, run)) {
      const image = decodedNames.shift() ?? ''
      progress.step()
      session.print(() => process.stdout.write(options.json ? line(image, scores) : table(image, scores)))
    }
  } finally {
    progress.end()
    classifier.dispose()
  }
}

function line(image: string, scores: readonly LabelScore[]): string {
  const shortest = scores.map(({ label, score, logit }) => ({
    label,
    score: shortestFloat32(score),
    logit: shortestFloat32(logit),
  }))
  return `${jsonLine({ image, scores: shortest })}\n`
}

const table = (image: string, scores: readonly LabelScore[]): string => `${printable(image)}\n${scoreTable(scores)}\n`

function commaSeparated(list: string): readonly string[] {
  return list.split(',').map((text) => nonEmpty(text.trim()))
}

function label(text: string, before?: readonly string[]): readonly string[] {
  return gathered(nonEmpty(text), before)
}

function nonEmpty(text: string): string {
  if (text.trim() !== '') return text
  throw new InvalidArgumentError('A label is empty.')
}

function template(text: string): string {
  if (text.includes('{}')) return text
  throw new InvalidArgumentError('Expected a text with {} where the label goes.')
}
