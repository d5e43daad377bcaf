import type * as tf from '@tensorflow/tfjs'
import { imagePreparer } from '#image-preparer'
import { InputError } from '../errors.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { AutoImageProcessor } from '../image/processors/auto-image-processor.js'
import type { ImageInput } from '../image/decode/image-input.js'
import type { Siglip2ImageProcessor } from '../image/processors/siglip2-image-processor.js'
import type { SiglipImageProcessor } from '../image/processors/siglip-image-processor.js'
import { AutoModelForImageClassification } from '../models/auto/auto-model.js'
import type { PipelineOptions } from './pipeline-options.js'
import type { ImageClassifierOutput } from '../models/siglip/image-classification.js'
import type { Siglip2ForImageClassification } from '../models/siglip2/modeling.js'
import type { SiglipForImageClassification } from '../models/siglip/image-classification.js'
import type { TwoTowerConfig } from '../models/siglip/configuration.js'
import { stacked, takeRows, type Arrays } from '../models/model-arrays.js'
import { batchFunction } from './batch-function.js'
import { pipelineCall, resources, type OneImage, type PipelineCall, type PipelineResources } from './pipeline-call.js'
import { runBatches, type RunOptions } from './run-batches.js'
import { checkTopK, sigmoid, softmax } from './scores.js'

/** What turns logits into scores. */
const functions = {
  /** Each an independent probability. */
  sigmoid: (logits: readonly number[]) => logits.map(sigmoid),
  /** They add up to one. */
  softmax,
  none: (logits: readonly number[]) => logits,
}

export interface ImageClassificationOptions extends RunOptions {
  /** How many of the best classes are returned. Default: 5. */
  readonly topK?: number | undefined
  /**
   * What turns logits into scores. Default: by the model's `problemType`, `none` for regression, `sigmoid` for several labels a
   * image or a single class, `softmax` for one of several classes.
   */
  readonly functionToApply?: keyof typeof functions | undefined
}

/** A class and how well an image fits it. */
export interface ClassScore {
  readonly label: string
  readonly score: number
}

/**
 * Classifies images by the classes that the model was trained on: the classes with their scores, highest first.
 * Source: `ImageClassificationPipeline` of transformers' `image_classification.py`.
 *
 * @example
 *     const classify = await pipeline('image-classification', 'my-classifier')
 *     await classify('cats.jpg', { topK: 2 }) // [{ label: 'cat', score: 0.9 }, { label: 'dog', score: 0.06 }]
 */
export interface ImageClassificationPipeline
  extends
    PipelineCall<OneImage, ImageInput, [options?: ImageClassificationOptions | undefined], ClassScore[]>,
    PipelineResources {
  readonly model: SiglipForImageClassification | Siglip2ForImageClassification
  readonly imageProcessor: SiglipImageProcessor | Siglip2ImageProcessor
}

/** Either classifier; it validates whatever its image processor produced. */
interface Classifier {
  readonly config: TwoTowerConfig
  forward(inputs: unknown): ImageClassifierOutput
}

/** Loads classifier and image processor from a checkpoint folder. */
export async function imageClassification(
  folder: CheckpointFolder,
  options: PipelineOptions = {},
): Promise<ImageClassificationPipeline> {
  const imageProcessor = await AutoImageProcessor.fromPretrained(folder)
  const model = await AutoModelForImageClassification.fromPretrained(folder, options)
  const preparer = imagePreparer(imageProcessor)
  const classifier: Classifier = model
  const logits = batchFunction<Arrays, tf.Tensor>((inputs) => classifier.forward(inputs).logits, options)

  async function* stream(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    { topK = 5, functionToApply = functionFor(model.config), ...run }: ImageClassificationOptions = {},
  ): AsyncGenerator<ClassScore[]> {
    checkTopK(topK)
    const scoresOf = checkedFunction(functionToApply)
    const batches = runBatches(
      images,
      (image) => preparer.prepare(image),
      async (batch) => takeRows(await logits(stacked(batch))),
      run,
    )
    for await (const rows of batches)
      for (const { data } of rows) {
        const scores = scoresOf(Array.from(data))
        yield scores
          .map((score, i) => ({ label: model.config.label(i), score }))
          .sort((a, b) => b.score - a.score)
          .slice(0, topK)
      }
  }

  const dispose = (): void => {
    logits.dispose()
    model.dispose()
    preparer.dispose()
  }
  return Object.assign(pipelineCall(stream), { model, imageProcessor }, resources(dispose))
}

function functionFor({ problemType, numLabels }: TwoTowerConfig): keyof typeof functions {
  if (problemType === 'regression') return 'none'
  return problemType === 'multi_label_classification' || numLabels === 1 ? 'sigmoid' : 'softmax'
}

function checkedFunction(name: keyof typeof functions): (logits: readonly number[]) => readonly number[] {
  if (Object.hasOwn(functions, name)) return functions[name]
  throw new InputError('Invalid functionToApply', {
    expected: `one of ${Object.keys(functions).join(', ')}`,
    found: JSON.stringify(name),
  })
}
