import path from 'node:path'
import { openFolder } from '#open-folder'
import { saveFile } from '../io/save-folder.js'
import { InputError } from '../errors.js'
import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import { AutoImageProcessor } from '../image/processors/auto-image-processor.js'
import { AutoModelForImageClassification } from '../models/auto/auto-model.js'
import type { ProblemType } from '../models/loading/config-fields.js'
import type { AnyClassifier } from '../training/classification-objective.js'
import { ImageFolder, type ImageFolderOptions } from '../training/data/image-folder.js'
import type { Sample } from '../training/data/sample.js'
import type { ClassificationReport } from '../training/metrics/classification-report.js'
import { confusionImage } from '../training/metrics/confusion-image.js'
import type { ContrastiveOptionName, TrainingProcessor, TrainOptions } from '../training/train-options.js'
import { train } from '../training/trainer.js'
import { evaluateClassifier, type EvaluatedClassifier } from './evaluate-classifier.js'

/** How a classifier is trained: as any model, where it is not the folders that say it. */
export interface TrainClassifierOptions
  extends
    Omit<TrainOptions, 'model' | 'processor' | 'data' | ContrastiveOptionName>,
    Pick<ImageFolderOptions, 'onBroken'> {
  /** A folder for each class, as the one that is trained on: what the classifier is measured on at the end. Default: that one. */
  readonly evaluation?: string | undefined
}

/** A trained classifier. */
export interface TrainedClassifier {
  /** The folder of the model, for `pipeline('image-classification', folder)`. */
  readonly folder: string
  /** How well it does in the end; undefined if the signal stopped the training. */
  readonly report: ClassificationReport | undefined
}

/**
 * Makes a classifier of images in folders, one for each class, out of a trained image tower or of another classifier; `out` gets `model/` and
 * `confusion.svg`, a confusion matrix.
 *
 * @param source the checkpoint that is started from
 * @param images a folder of folders
 * @throws {InputError} for fewer than two classes; and as {@link train}, `ImageFolder.open` and loading a model do
 * @example
 *     await trainClassifier('google/siglip-base-patch16-224', 'flowers', { out: 'run', batchSize: 16, epochs: 3 })
 */
export async function trainClassifier(
  source: CheckpointSource,
  images: string,
  { evaluation, onBroken, ...options }: TrainClassifierOptions,
): Promise<TrainedClassifier> {
  const data = await ImageFolder.open(images, { onBroken })
  const seen = evaluation === undefined ? data : await ImageFolder.open(evaluation, { onBroken })
  const classifier = await classifierFor(source, data.samples, { seed: options.seed })
  try {
    const { isComplete, folder } = await train({ ...options, ...classifier, data })
    return { folder, report: isComplete ? await drawConfusion(options.out, classifier, seen.samples) : undefined }
  } finally {
    classifier.model.dispose()
  }
}

/**
 * A classifier for the samples' classes. Its head is initialized from the checkpoint's, if that has as many classes, and otherwise
 * at random.
 * @throws {InputError} for fewer than two
 */
export async function classifierFor(
  source: CheckpointSource,
  samples: readonly Sample[],
  options: { readonly problemType?: ProblemType | undefined; readonly seed?: number | undefined },
): Promise<{ readonly model: AnyClassifier; readonly processor: TrainingProcessor }> {
  const { problemType = 'single_label_classification', seed } = options
  const areSeveral = problemType === 'multi_label_classification'
  const named = samples.flatMap(({ label, captions }) => (areSeveral ? captions : (label ?? [])))
  const classes = [...new Set(named)].sort()
  if (classes.length < 2) {
    throw new InputError('Too few classes', {
      expected: areSeveral ? 'captions that name at least two' : 'at least two folders, each of a class',
      found: `${classes.length} in ${samples.length} samples`,
    })
  }
  const checkpoint = await openFolder(source)
  const imageProcessor = await AutoImageProcessor.fromPretrained(checkpoint)
  const id2label = Object.fromEntries(classes.entries())
  const model = await AutoModelForImageClassification.fromPretrained(checkpoint, {
    ...{ id2label, problemType, seed },
  })
  return { model, processor: { imageProcessor, toFiles: () => imageProcessor.toFiles() } }
}

/** Measures a classifier, and writes `confusion.svg` into a folder. */
export async function drawConfusion(
  folder: string,
  classifier: EvaluatedClassifier,
  samples: readonly Sample[],
): Promise<ClassificationReport> {
  const report = await evaluateClassifier(classifier, samples)
  const names = report.confusion.map((_, i) => classifier.model.config.label(i))
  const image = confusionImage(report.confusion, names)
  await saveFile(path.join(folder, 'confusion.svg'), new TextEncoder().encode(image))
  return report
}
