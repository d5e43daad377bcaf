import * as tf from '@tensorflow/tfjs'
import { InputError } from '../errors.js'
import type { ImageInput } from '../image/image-input.js'
import { SiglipModel } from '../models/siglip-model.js'
import type { PretrainedSource } from '../models/load-pretrained.js'
import { SiglipProcessor } from '../processor/siglip-processor.js'
import { concatenated, embedImages, embedTexts } from './embedder.js'

export interface ZeroShotOptions {
  /** The sentence around each label, `{}` being its place. Default: `This is a photo of {}.`, as in transformers. */
  readonly hypothesisTemplate?: string | undefined
  /** How many of the best labels are returned. Default: all. */
  readonly topK?: number | undefined
  /** Pictures, or labels, that go through the model at once. Default: 8. */
  readonly batchSize?: number | undefined
  /** Stops between two batches. */
  readonly signal?: AbortSignal | undefined
}

/** How well a label goes with a picture. */
export interface LabelScore {
  readonly label: string
  /** The probability that the two belong together: the logit's sigmoid. The scores of several labels don't add up to one. */
  readonly score: number
  readonly logit: number
}

/**
 * Scores pictures against labels that the model needn't have been trained on.
 *
 * @example
 *     const classify = await pipeline('zero-shot-image-classification', 'models/siglip-base-patch16-224')
 *     await classify('cats.jpg', ['two cats', 'a dog']) // [{ label: 'two cats', score: 0.32, logit: -0.76 }, …]
 */
export interface ZeroShotImageClassificationPipeline {
  /** The labels with their scores, highest first; for several pictures, such a list for each. */
  (image: ImageInput, candidateLabels: readonly string[], options?: ZeroShotOptions): Promise<LabelScore[]>
  (
    images: readonly ImageInput[],
    candidateLabels: readonly string[],
    options?: ZeroShotOptions,
  ): Promise<LabelScore[][]>
  /** The same, list by list as they are ready; the pictures, too, may come one by one. */
  stream(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    candidateLabels: readonly string[],
    options?: ZeroShotOptions,
  ): AsyncGenerator<LabelScore[]>
  readonly model: SiglipModel
  readonly processor: SiglipProcessor
  /** Frees the model's memory. */
  dispose(): void
}

/** Loads model and processor from a checkpoint folder. */
export async function zeroShotImageClassification(
  source: PretrainedSource,
): Promise<ZeroShotImageClassificationPipeline> {
  const processor = await SiglipProcessor.fromPretrained(source)
  const model = await SiglipModel.fromPretrained(source)

  async function* stream(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    candidateLabels: readonly string[],
    { hypothesisTemplate = 'This is a photo of {}.', topK, ...options }: ZeroShotOptions = {},
  ): AsyncGenerator<LabelScore[]> {
    const texts = fillTemplate(hypothesisTemplate, candidateLabels)
    if (Array.isArray(images) && images.length === 0) {
      throw new InputError('no pictures', { expected: 'at least one image' })
    }
    const run = { ...options, normalize: true }
    const textEmbeds = await concatenated(embedTexts(model, processor, texts, run))
    try {
      for await (const imageEmbeds of embedImages(model, processor, images, run)) {
        for (const logits of readLogits(model, textEmbeds, imageEmbeds))
          yield ranked(candidateLabels, logits).slice(0, topK)
      }
    } finally {
      textEmbeds.dispose()
    }
  }

  function classify(image: ImageInput, labels: readonly string[], options?: ZeroShotOptions): Promise<LabelScore[]>
  function classify(
    images: readonly ImageInput[],
    labels: readonly string[],
    options?: ZeroShotOptions,
  ): Promise<LabelScore[][]>
  async function classify(
    images: ImageInput | readonly ImageInput[],
    labels: readonly string[],
    options?: ZeroShotOptions,
  ): Promise<LabelScore[] | LabelScore[][]> {
    const results: LabelScore[][] = []
    for await (const scores of stream(isList(images) ? images : [images], labels, options)) results.push(scores)
    return isList(images) ? results : results.flat()
  }

  return Object.assign(classify, { stream, model, processor, dispose: () => void model.dispose() })
}

const isList = (images: ImageInput | readonly ImageInput[]): images is readonly ImageInput[] => Array.isArray(images)

/** `[images][texts]`; disposes the image embeddings. */
function readLogits(model: SiglipModel, textEmbeds: tf.Tensor2D, imageEmbeds: tf.Tensor2D): number[][] {
  try {
    return tf.tidy(() => tf.transpose(model.logits(textEmbeds, imageEmbeds)).as2D(imageEmbeds.shape[0], -1).arraySync())
  } finally {
    imageEmbeds.dispose()
  }
}

function ranked(labels: readonly string[], logits: readonly number[]): LabelScore[] {
  return labels
    .map((label, i) => ({ label, score: sigmoid(logits[i] ?? NaN), logit: logits[i] ?? NaN }))
    .sort((a, b) => b.logit - a.logit)
}

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit))

/** Puts each label into the template. */
export function fillTemplate(template: string, labels: readonly string[]): string[] {
  if (!template.includes('{}')) {
    throw new InputError('the template has no place for the label', {
      expected: 'a text with {} in it',
      found: JSON.stringify(template),
    })
  }
  if (labels.length === 0) throw new InputError('no labels', { expected: 'at least one candidate label' })
  const empty = labels.findIndex((label) => typeof label !== 'string' || label.trim() === '')
  if (empty >= 0)
    throw new InputError('empty label', {
      expected: 'a text',
      found: JSON.stringify(labels[empty]),
      where: `label ${empty + 1}`,
    })
  return labels.map((label) => template.replaceAll('{}', () => label))
}
