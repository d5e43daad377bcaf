import type { Sample } from '../training/data/sample.js'
import { retrievalRecall, type RetrievalRecall } from '../training/metrics/retrieval-recall.js'
import { concatenated, embedImages, embedTexts } from './embedder.js'
import { imagesOf, type EvaluatedModel, type EvaluateOptions } from './evaluated-model.js'

/** How retrieval is evaluated. */
export interface EvaluateRetrievalOptions extends EvaluateOptions {
  /** Texts that go with no image, beside the captions. */
  readonly distractors?: readonly string[] | undefined
  /** Default: [1, 5, 10]. */
  readonly ks?: readonly number[] | undefined
}

/**
 * How well images find their captions, and captions their images. Images of the same captions go with all of them.
 * @throws {InputError} for no samples
 */
export async function evaluateRetrieval(
  { model, processor }: EvaluatedModel,
  samples: readonly Sample[],
  { distractors = [], ks, ...options }: EvaluateRetrievalOptions = {},
): Promise<RetrievalRecall> {
  const embedding = { batchSize: 32, ...options, normalize: true }
  const imageKeys = samples.map(({ captions }) => captions.join('\n'))
  const captions = new Map(samples.map((sample, i) => [imageKeys[i] ?? '', sample.captions]))
  const texts = [...captions].flatMap(([key, said]) => said.map((text) => ({ key, text })))
  const all = [...texts, ...distractors.map((text) => ({ key: '', text }))]

  const imageEmbeds = await concatenated(embedImages(model, processor, imagesOf(samples), embedding))
  try {
    const said = all.map(({ text }) => text)
    const textEmbeds = await concatenated(embedTexts(model, processor, said, embedding))
    const textKeys = all.map(({ key }) => key)
    return await retrievalRecall({ imageEmbeds, textEmbeds, imageKeys, textKeys, ...(ks && { ks }) }).finally(() => {
      textEmbeds.dispose()
    })
  } finally {
    imageEmbeds.dispose()
  }
}

/** Recall as metrics of a training: `image-to-text R@1` … */
export function recallFigures({ imageToText, textToImage }: RetrievalRecall): Readonly<Record<string, number>> {
  const named = Object.entries({ 'image-to-text': imageToText, 'text-to-image': textToImage })
  return Object.fromEntries(
    named.flatMap(([way, { recall }]) => Object.entries(recall).map(([k, share]) => [`${way} R@${k}`, share])),
  )
}
