import { InvalidArgumentError, type Command } from 'commander'
import { parse } from 'csv-parse/sync'
import { UsageError } from '../../errors.js'
import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import type { RawImage } from '../../image/raw-image.js'
import type { Siglip2ImageProcessor } from '../../image/processors/siglip2-image-processor.js'
import type { SiglipImageProcessor } from '../../image/processors/siglip-image-processor.js'
import type { LabelScore } from '../../pipelines/zero-shot-image-classification.js'
import { decodedImages } from '../decoded-images.js'
import { findImages, STDIN } from '../find-images.js'
import { addModelOptions, limitThreads, modelFolder, type ModelOptions } from '../model-options.js'
import { count, gathered } from '../option-values.js'
import { jsonLine, printable } from '../printable.js'
import { openCheckpoint } from '../open-checkpoint.js'
import { Progress } from '../progress.js'
import { readLines } from '../read-lines.js'
import { scoreTable } from '../score-table.js'
import type { Session } from '../session.js'
import { shortestFloat32 } from '../shortest-float32.js'
import { truncationReporter } from '../truncation-reporter.js'
import { readJsonObject } from '../../hub/read-json.js'

interface Options extends ModelOptions {
  readonly labels?: readonly string[]
  readonly label?: readonly string[]
  readonly labelsFile?: string
  readonly template?: readonly string[]
  readonly top?: number
  readonly json?: true
}

/** `siglip classify`: images scored against labels. */
export function addClassify(program: Command, session: Session): void {
  const command = program
    .command('classify')
    .description(
      'Scores images against labels, or with a trained classifier. Each label’s score is an independent probability; scores do not add up to one, unless the model was trained with softmax.',
    )
    .argument('<image...>', 'files, folders (without their subfolders), patterns, URLs, - for stdin')
    .option(
      '--labels <list>',
      'labels, separated by commas; quote one that contains a comma, as in CSV',
      commaSeparated,
    )
    .option('--label <text>', 'one label; may be repeated', label)
    .option('--labels-file <file>', 'labels, one per line; - for stdin')
    .option(
      '--template <text>',
      'the sentence around each label; may be repeated: their embeddings are averaged (default: the model’s, or "This is a photo of {}.")',
      template,
    )
    .option('--top <k>', 'only the best K labels (default for a classifier: 5)', count)
  addModelOptions(command)
    .option('--json', 'one JSON object per line')
    .addHelpText('after', '\nExample:\n  $ siglip classify photos/*.jpg --labels "a cat, two dogs" --model DIR')
    .action((images: readonly string[], options: Options) => classify(images, options, session))
}

async function classify(args: readonly string[], options: Options, session: Session): Promise<void> {
  if (options.labelsFile === STDIN && args.includes(STDIN)) {
    throw new UsageError('Labels and an image of one stdin', { hint: 'Give the labels in a file, or by --labels.' })
  }
  const labels = await labelsOf(options, session.signal)
  if (labels.length === 0 && options.model === undefined) throw noLabels()
  const folder = modelFolder(options, session)
  const names = await findImages(args, (line) => {
    session.say(line)
  })

  limitThreads(options)
  const checkpoint = await openCheckpoint(folder, options, session)
  const isOfClasses = await isClassifier(checkpoint)
  if (labels.length === 0 && !isOfClasses) throw noLabels()
  if (isOfClasses && (labels.length > 0 || options.template !== undefined)) {
    throw new UsageError('The model is a classifier', {
      expected: 'its own classes',
      found: labels.length > 0 ? 'labels' : 'a template',
      where: checkpoint.location,
      hint: 'Leave them out.',
    })
  }
  const { useBackend } = await import('../../jit/use-backend.js')
  await useBackend(options.backend)
  const scorer = await (isOfClasses ? ofClasses(checkpoint, options) : ofLabels(labels, checkpoint, options, session))
  const decodedNames: string[] = []
  const images = decodedImages(names, decodedNames, scorer, session)
  const progress = await Progress.start(session, names.length, 8, 'images')
  try {
    for await (const scores of scorer.stream(images, session.signal)) {
      const image = decodedNames.shift() ?? ''
      progress.step()
      session.print(() => process.stdout.write(options.json ? line(image, scores) : table(image, scores)))
    }
  } finally {
    progress.end()
    scorer.dispose()
  }
}

const noLabels = (): UsageError =>
  new UsageError('Missing labels', {
    hint: 'Give them by --labels "a cat, two dogs", or a classifier, which has its own, by --model.',
  })

/** All labels that are given. @throws {FileError} if a file of them can't be read; UsageError for an empty one */
async function labelsOf({ labels, label, labelsFile }: Options, signal: AbortSignal): Promise<readonly string[]> {
  const given = [labels, label].flatMap((list) => list ?? [])
  if (labelsFile === undefined) return given
  const lines = await readLines(labelsFile, signal)
  const inFile = lines.map((line) => line.trim()).filter((line) => line !== '')
  if (inFile.length > 0) return given.concat(inFile)
  throw new UsageError('The file contains no labels', {
    found: 'only empty lines',
    where: labelsFile,
    hint: 'Write one per line.',
  })
}

/** What gives each image its scores, the best first. */
interface Scorer {
  readonly imageProcessor: SiglipImageProcessor | Siglip2ImageProcessor
  readonly stream: (images: AsyncIterable<RawImage>, signal: AbortSignal) => AsyncIterable<readonly Score[]>
  readonly dispose: () => void
}

/** How well a label fits; of a model with a text tower with its logit. */
type Score = Pick<LabelScore, 'label' | 'score'> & Partial<LabelScore>

async function ofLabels(
  labels: readonly string[],
  checkpoint: CheckpointFolder,
  options: Options,
  session: Session,
): Promise<Scorer> {
  const { pipeline } = await import('../../pipelines/pipeline.js')
  const { precision, jit, template: hypothesisTemplate, top: topK } = options
  const scorer = await pipeline('zero-shot-image-classification', checkpoint, { precision, jit })
  return {
    imageProcessor: scorer.processor.imageProcessor,
    stream: (images, signal) =>
      scorer.stream(images, labels, { hypothesisTemplate, topK, signal, onTruncated: truncationReporter(session) }),
    dispose: () => {
      scorer.dispose()
    },
  }
}

async function ofClasses(checkpoint: CheckpointFolder, { precision, jit, top: topK }: Options): Promise<Scorer> {
  const { pipeline } = await import('../../pipelines/pipeline.js')
  const scorer = await pipeline('image-classification', checkpoint, { precision, jit })
  return {
    imageProcessor: scorer.imageProcessor,
    stream: (images, signal) => scorer.stream(images, { topK, signal }),
    dispose: () => {
      scorer.dispose()
    },
  }
}

/** Whether the checkpoint says that it is a classifier's, with classes that it was trained on. */
async function isClassifier(checkpoint: CheckpointFolder): Promise<boolean> {
  if (!(await checkpoint.has('config.json'))) return false
  const { architectures } = await readJsonObject(checkpoint, 'config.json')
  return Array.isArray(architectures) && String(architectures[0]).endsWith('ForImageClassification')
}

function line(image: string, scores: readonly Score[]): string {
  const shortest = scores.map(({ label, score, logit }) => ({
    label,
    score: shortestFloat32(score),
    ...(logit !== undefined && { logit: shortestFloat32(logit) }),
  }))
  return `${jsonLine({ image, scores: shortest })}\n`
}

const table = (image: string, scores: readonly Score[]): string => `${printable(image)}\n${scoreTable(scores)}\n`

function commaSeparated(list: string): readonly string[] {
  const labels = fieldsOf(list)
  return (labels.length > 0 ? labels : ['']).map(nonEmpty)
}

/** The fields of a line of CSV, without spaces around them. */
function fieldsOf(list: string): readonly string[] {
  try {
    return parse(list, { relax_column_count: true, relax_quotes: true, trim: true }).flat()
  } catch {
    throw new InvalidArgumentError('A label in quotation marks ends with its mark: "tench, Tinca tinca", goldfish.')
  }
}

function label(text: string, before?: string[]): string[] {
  return gathered(nonEmpty(text), before)
}

function nonEmpty(text: string): string {
  if (text.trim() !== '') return text
  throw new InvalidArgumentError('A label is empty.')
}

function template(text: string, before?: string[]): string[] {
  if (/\{0?\}/.test(text)) return gathered(text, before)
  throw new InvalidArgumentError('Expected a text with {} where the label goes.')
}
