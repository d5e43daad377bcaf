import type * as tf from '@tensorflow/tfjs'
import { imagePreparer } from '#image-preparer'
import { ConfigError } from '../errors.js'
import type { ImageProcessor } from '../image/processors/image-preparer.js'
import { stacked, type Arrays } from '../models/model-arrays.js'
import type { NdArray } from '../nd-array.js'
import { classTargets, type AnyClassifier } from '../training/classification-objective.js'
import type { Sample } from '../training/data/sample.js'
import { meanAveragePrecision, type MeanAveragePrecision } from '../training/metrics/average-precision.js'
import { classificationReport, type ClassificationReport } from '../training/metrics/classification-report.js'
import { batchFunction } from './batch-function.js'
import { concatenated } from './embedder.js'
import { imagesOf, type EvaluateOptions } from './evaluated-model.js'
import { runBatches } from './run-batches.js'

/** A classifier with its image processor. */
export interface EvaluatedClassifier {
  readonly model: AnyClassifier
  readonly processor: { readonly imageProcessor: ImageProcessor }
}

/**
 * How well a classifier of one class of several does.
 * @throws {InputError} for an image of no class of the model; ConfigError for a model of several labels
 */
export async function evaluateClassifier(
  classifier: EvaluatedClassifier,
  samples: readonly Sample[],
  options: EvaluateOptions = {},
): Promise<ClassificationReport> {
  const { data } = targetsFor(classifier, samples, false)
  return withLogits(classifier, samples, options, (logits) => classificationReport(logits, data))
}

/**
 * How well a classifier of any number of classes does: each image's captions are its classes.
 * @throws {InputError} for a caption that is not one of the model's classes; ConfigError for a model of one class of several
 */
export async function evaluateMultiLabel(
  classifier: EvaluatedClassifier,
  samples: readonly Sample[],
  options: EvaluateOptions = {},
): Promise<MeanAveragePrecision> {
  const { data, shape } = targetsFor(classifier, samples, true)
  const targets = { data: Float32Array.from(data), shape }
  return withLogits(classifier, samples, options, (logits) => meanAveragePrecision(logits, targets))
}

/** The figure of a classifier of one class of several, by its name. */
export const accuracyFigure = ({
  accuracy,
}: Pick<ClassificationReport, 'accuracy'>): Readonly<Record<string, number>> => ({
  accuracy,
})

/** The figure of a classifier of any number of classes, by its name. */
export const precisionFigure = ({ mean }: Pick<MeanAveragePrecision, 'mean'>): Readonly<Record<string, number>> => ({
  'mean average precision': mean,
})

function targetsFor({ model }: EvaluatedClassifier, samples: readonly Sample[], areSeveral: boolean): NdArray {
  const { problemType = 'single_label_classification' } = model.config
  if ((problemType === 'multi_label_classification') === areSeveral) return classTargets(model.config, samples)
  throw new ConfigError('The classifier has another problem type', {
    expected: areSeveral ? 'multi_label_classification' : 'single_label_classification',
    found: problemType,
    where: 'problem_type',
  })
}

async function withLogits<T>(
  { model, processor }: EvaluatedClassifier,
  samples: readonly Sample[],
  { batchSize = 32, ...options }: EvaluateOptions,
  use: (logits: tf.Tensor2D) => Promise<T>,
): Promise<T> {
  const preparer = imagePreparer(processor.imageProcessor)
  const compute = batchFunction<Arrays, tf.Tensor2D>((inputs) => model.forward(inputs).logits, options)
  const prepare = (image: Parameters<typeof preparer.prepare>[0]): Promise<Arrays> => preparer.prepare(image)
  const run = { ...options, batchSize }
  try {
    const logits = await concatenated(runBatches(imagesOf(samples), prepare, (batch) => compute(stacked(batch)), run))
    return await use(logits).finally(() => {
      logits.dispose()
    })
  } finally {
    compute.dispose()
    preparer.dispose()
  }
}
