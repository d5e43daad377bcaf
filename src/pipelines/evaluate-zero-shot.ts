import { InputError } from '../errors.js'
import type { Sample } from '../training/data/sample.js'
import { classPrompts, zeroShotAccuracy } from '../training/metrics/zero-shot-accuracy.js'
import { concatenated, embedImages, embedTexts } from './embedder.js'
import { imagesOf, type EvaluatedModel, type EvaluateOptions } from './evaluated-model.js'

/** How zero-shot classification is evaluated. */
export interface EvaluateZeroShotOptions extends EvaluateOptions {
  /** Texts with `{}` for the class's name; see {@link promptSets}. Default: only the name. */
  readonly templates?: readonly string[] | undefined
  /** Default: [1, 5]. */
  readonly ks?: readonly number[] | undefined
}

/**
 * How often an image's class, named by its label, is among the k nearest.
 * @throws {InputError} for samples without a label, or none
 */
export async function evaluateZeroShot(
  { model, processor }: EvaluatedModel,
  samples: readonly Sample[],
  { templates = ['{}'], ks, ...options }: EvaluateZeroShotOptions = {},
): Promise<Readonly<Record<number, number>>> {
  const named = samples.map(({ key, label }) => {
    if (label !== undefined) return label
    throw new InputError('an image without a class', { where: key, hint: 'Put it into a folder named by its class.' })
  })
  const classes = [...new Set(named)].sort()
  const indices = new Map(classes.map((name, i) => [name, i]))
  const labels = named.map((label) => indices.get(label) ?? 0)
  const prompts = classPrompts(
    classes.map((name) => name.replaceAll('_', ' ')),
    templates,
  )
  const embedding = { batchSize: 32, ...options, normalize: true }
  const imageEmbeds = await concatenated(embedImages(model, processor, imagesOf(samples), embedding))
  try {
    const promptEmbeds = await concatenated(embedTexts(model, processor, prompts, embedding))
    const input = { imageEmbeds, promptEmbeds, templates: templates.length, labels, ...(ks && { ks }) }
    return await zeroShotAccuracy(input).finally(() => {
      promptEmbeds.dispose()
    })
  } finally {
    imageEmbeds.dispose()
  }
}
