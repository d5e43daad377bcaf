import * as tf from '@tensorflow/tfjs'
import { imagePreparer } from '#image-preparer'
import { InputError } from '../errors.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import type { ImageInput } from '../image/decode/image-input.js'
import { isObject } from '../io/is-object.js'
import { AutoModelForZeroShotImageClassification } from '../models/auto/auto-model.js'
import type { PipelineOptions } from './pipeline-options.js'
import type { Siglip2Model } from '../models/siglip2/modeling.js'
import type { SiglipModel, TwoTowerModel } from '../models/siglip/modeling.js'
import { promptMean } from '../models/prompt-mean.js'
import { AutoProcessor } from '../processor/auto-processor.js'
import type { Siglip2Processor } from '../processor/siglip2-processor.js'
import type { SiglipProcessor } from '../processor/siglip-processor.js'
import { checked } from './batch-function.js'
import { concatenated, embedPrepared, embedTokenized, imageEmbedder, textEmbedder } from './embedder.js'
import { takeRows } from '../models/model-arrays.js'
import { pipelineCall, resources, type OneImage, type PipelineCall, type PipelineResources } from './pipeline-call.js'
import type { RunOptions } from './run-batches.js'
import { isTrainedToRank } from '../models/loading/trained-with.js'
import { checkTopK, sigmoid, softmax } from './scores.js'

export interface ZeroShotOptions extends RunOptions {
  /**
   * The sentence around each label, `{}` or `{0}` being its place; of several, a label's embedding is the normalized mean of its sentences'
   * (CLIP, Radford et al. 2021, section 3.1.4). Default: that of the model's `config.json` (`hypothesis_template` in
   * `task_specific_params` of the task), else `This is a photo of {}.`, as in transformers.
   */
  readonly hypothesisTemplate?: string | readonly string[] | undefined
  /** How many of the best labels are returned. Default: all. */
  readonly topK?: number | undefined
}

/** How well a label goes with an image. */
export interface LabelScore {
  readonly label: string
  /**
   * The probability that the two match: the logit's sigmoid. The scores of several labels don't add up to one; but those of
   * a model that was trained with softmax, which its configuration says (`trained_with`), are the share of each label, and do.
   */
  readonly score: number
  readonly logit: number
}

/**
 * Scores images against labels that the model needn't have been trained on: the labels with their scores, highest first.
 * Source: `ZeroShotImageClassificationPipeline` of transformers' `zero_shot_image_classification.py`.
 *
 * @example
 *     const classify = await pipeline('zero-shot-image-classification', 'google/siglip-base-patch16-224')
 *     await classify('cats.jpg', ['two cats', 'a dog']) // [{ label: 'two cats', score: 0.32, logit: -0.76 }, …]
 */
export interface ZeroShotImageClassificationPipeline
  extends
    PipelineCall<
      OneImage,
      ImageInput,
      [candidateLabels: readonly string[], options?: ZeroShotOptions | undefined],
      LabelScore[]
    >,
    PipelineResources {
  readonly model: SiglipModel | Siglip2Model
  readonly processor: SiglipProcessor | Siglip2Processor
}

/** Loads model and processor from a checkpoint folder. */
export async function zeroShotImageClassification(
  folder: CheckpointFolder,
  options: PipelineOptions = {},
): Promise<ZeroShotImageClassificationPipeline> {
  const processor = await AutoProcessor.fromPretrained(folder)
  const model = await AutoModelForZeroShotImageClassification.fromPretrained(folder, options)
  const preparer = imagePreparer(processor.imageProcessor)
  const scoresOf = isTrainedToRank(model.config) ? softmax : (logits: readonly number[]) => logits.map(sigmoid)
  const embedOptions = { ...options, normalize: true }
  const [embedImages, embedTexts] = [imageEmbedder(model, embedOptions), textEmbedder(model, embedOptions)]

  async function* stream(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    candidateLabels: readonly string[],
    { hypothesisTemplate = templateOf(model), topK, ...run }: ZeroShotOptions = {},
  ): AsyncGenerator<LabelScore[]> {
    const texts = fillTemplate(hypothesisTemplate, candidateLabels)
    const best = checkTopK(topK)
    const { batchSize, signal, onTruncated } = run // the progress is that of the images
    const textEmbeds = await labelEmbeds(
      embedTokenized(model, processor.tokenizer, embedTexts, texts, { batchSize, signal, onTruncated }),
      texts.length / candidateLabels.length,
    )
    try {
      for await (const imageEmbeds of embedPrepared(preparer, embedImages, images, run)) {
        for (const logits of await readLogits(model, textEmbeds, imageEmbeds))
          yield ranked(candidateLabels, logits, scoresOf).slice(0, best)
      }
    } finally {
      textEmbeds.dispose()
    }
  }

  const dispose = (): void => {
    embedImages.dispose()
    embedTexts.dispose()
    model.dispose()
    preparer.dispose()
  }
  return Object.assign(pipelineCall(stream), { model, processor }, resources(dispose))
}

/** The template that the model was trained with, if its configuration has one. */
function templateOf({ config }: SiglipModel | Siglip2Model): string {
  const tasks = config.extra['task_specific_params']
  const task = isObject(tasks) ? tasks['zero-shot-image-classification'] : undefined
  const template = isObject(task) ? task['hypothesis_template'] : undefined
  return typeof template === 'string' ? template : 'This is a photo of {}.'
}

/** One embedding for each label, of length one, the caller's to dispose. */
async function labelEmbeds(texts: AsyncIterable<tf.Tensor2D>, templates: number): Promise<tf.Tensor2D> {
  const embeds = await concatenated(texts)
  if (templates === 1) return embeds
  try {
    return promptMean(embeds, templates)
  } finally {
    embeds.dispose()
  }
}

/** The logits of each image with the texts; disposes the image embeddings. */
async function readLogits(
  model: TwoTowerModel,
  textEmbeds: tf.Tensor2D,
  imageEmbeds: tf.Tensor2D,
): Promise<Float32Array[]> {
  try {
    const rows = await takeRows(await checked(tf.tidy(() => tf.transpose(model.logits(textEmbeds, imageEmbeds))))) // [images, texts]
    return rows.map(({ data }) => data)
  } finally {
    imageEmbeds.dispose()
  }
}

function ranked(
  labels: readonly string[],
  logits: Float32Array,
  scoresOf: (logits: readonly number[]) => readonly number[],
): LabelScore[] {
  const scores = scoresOf(Array.from(logits))
  return labels
    .map((label, i) => ({ label, score: scores[i] ?? NaN, logit: logits[i] ?? NaN }))
    .sort((a, b) => b.logit - a.logit)
}

const places = /\{0?\}/g

/** Puts each label into the template, or into several: the texts of the first label first. */
export function fillTemplate(template: string | readonly string[], labels: readonly string[]): string[] {
  const templates = [template].flat()
  const isTemplate = (text: unknown): boolean => typeof text === 'string' && text.search(places) >= 0
  if (templates.length === 0 || !templates.every(isTemplate)) {
    throw new InputError('the template has no place for the label', {
      expected: 'a text with {} in it, or several such texts',
      found: JSON.stringify(templates.find((text) => !isTemplate(text)) ?? template),
    })
  }
  const isList: boolean = Array.isArray(labels) // a single text would be taken for a list of letters
  if (!isList || labels.length === 0) {
    throw new InputError('Missing labels', {
      expected: 'an array of at least one candidate label',
      found: isList ? 'an empty one' : typeof labels,
    })
  }
  const empty = labels.findIndex((label) => typeof label !== 'string' || label.trim() === '')
  if (empty >= 0)
    throw new InputError('empty label', {
      expected: 'a text',
      found: JSON.stringify(labels[empty]),
      where: `label ${empty + 1}`,
    })
  return labels.flatMap((label) => templates.map((text) => text.replace(places, () => label)))
}
