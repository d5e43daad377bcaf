import * as tf from '@tensorflow/tfjs'
import { InputError } from '../../errors.js'
import { promptMean } from '../../models/prompt-mean.js'
import type { MatrixInput } from './matrix-input.js'
import { topAccuracy } from './top-accuracy.js'

/** What zero-shot classification is measured on. */
export interface ZeroShotInput {
  /** `[images, size]`. */
  readonly imageEmbeds: MatrixInput
  /** `[classes × templates, size]`, in the order of {@link classPrompts}. */
  readonly promptEmbeds: MatrixInput
  /** The class of each image. */
  readonly labels: ArrayLike<number>
  /** How many prompts each class has. Default: 1. */
  readonly templates?: number
  /** Default: [1, 5]. */
  readonly ks?: readonly number[]
}

/** The texts of all classes: those of the first class first. `{}` in a template is the class's name. */
export function classPrompts(names: readonly string[], templates: readonly string[]): readonly string[] {
  for (const template of templates) {
    if (template.includes('{}')) continue
    throw new InputError('Invalid template', { expected: '{} where the name goes', found: JSON.stringify(template) })
  }
  return names.flatMap((name) => templates.map((template) => template.replaceAll('{}', () => name)))
}

/**
 * Accuracy of naming images by the class whose texts are nearest, by k. A class's embedding is the normalized mean of its
 * normalized prompts' (CLIP, Radford et al. 2021, section 3.1.4).
 *
 * @throws {InputError} for embeddings whose shapes don't go together, and as {@link topAccuracy} does
 */
export async function zeroShotAccuracy(input: ZeroShotInput): Promise<Readonly<Record<number, number>>> {
  const { imageEmbeds, promptEmbeds, templates = 1, labels, ks } = input
  const [, size = 0]: readonly number[] = imageEmbeds.shape
  const [prompts = 0, promptSize = 0]: readonly number[] = promptEmbeds.shape
  if (size !== promptSize || !Number.isInteger(prompts / templates)) {
    throw new InputError('Invalid promptEmbeds', {
      expected: `[classes × ${templates}, ${size}]`,
      found: `[${promptEmbeds.shape.join(', ')}]`,
    })
  }
  const scores = tf.tidy(() => {
    const classes = promptMean(unit(toTensor(promptEmbeds)), templates) // [classes, size]
    return tf.matMul<tf.Tensor2D>(unit(toTensor(imageEmbeds)), classes, false, true)
  })
  try {
    return await topAccuracy(scores, labels, ks)
  } finally {
    scores.dispose()
  }
}

const toTensor = (input: MatrixInput): tf.Tensor =>
  input instanceof tf.Tensor ? input : tf.tensor(input.data, [...input.shape])

const unit = (vectors: tf.Tensor): tf.Tensor2D => tf.div(vectors, tf.norm(vectors, 'euclidean', -1, true))
