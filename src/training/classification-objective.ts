import * as tf from '@tensorflow/tfjs'
import { ConfigError, InputError } from '../errors.js'
import type { ImageClassifier } from '../models/siglip/image-classification.js'
import type { Arrays } from '../models/model-arrays.js'
import type { TwoTowerConfig } from '../models/siglip/configuration.js'
import type { NdArray } from '../nd-array.js'
import type { PreparedBatch } from './data/prepared-batches.js'
import type { Sample } from './data/sample.js'
import type { Inputs, Objective } from './objective.js'

/** Any model with a classifier. */
export type AnyClassifier = ImageClassifier

/** Images get the logits of their classes: one of several, or all that apply for a multi-label model. */
export class ClassificationObjective implements Objective {
  readonly #model: AnyClassifier

  /** @throws {ConfigError} for a model whose classes have no names */
  constructor(model: AnyClassifier) {
    if (!model.config.label2id) {
      throw new ConfigError('The classes have no names', {
        expected: 'id2label',
        hint: 'Give the model’s config id2label.',
      })
    }
    this.#model = model
  }

  inputsOf({ samples, images }: PreparedBatch): Arrays {
    return {
      ...images,
      labels: classTargets(
        this.#model.config,
        samples.map(({ sample }) => sample),
      ),
    }
  }

  gradients(
    { labels, ...images }: Inputs,
    variables: readonly tf.Variable[],
  ): { value: tf.Scalar; grads: tf.NamedTensorMap } {
    return tf.variableGrads(() => {
      const { loss } = this.#model.forward(images, { labels })
      if (loss) return loss
      throw new InputError('Missing labels')
    }, [...variables])
  }
}

/**
 * What images show, as a classifier's loss takes it: int32 `[batch]`, or float32 `[batch, labels]` where any number of classes may
 * apply.
 * @throws {InputError} for an unknown class
 */
export function classTargets(config: TwoTowerConfig, samples: readonly Sample[]): NdArray {
  const { numLabels, problemType } = config
  const indexOf = classIndices(config)
  const rows = samples.map((sample) => classesOf(config, sample, indexOf))
  if (problemType !== 'multi_label_classification') {
    return { data: Int32Array.from(rows, ([first = 0]) => first), shape: [samples.length] }
  }
  const data = new Float32Array(samples.length * numLabels)
  for (const [row, classes] of rows.entries()) for (const place of classes) data[row * numLabels + place] = 1
  return { data, shape: [samples.length, numLabels] }
}

/** Finds the index of a class by its name, also if one of both spells `ü` as two characters. */
function classIndices({ label2id = {} }: TwoTowerConfig): (name: string) => number | undefined {
  let composed: ReadonlyMap<string, number> | undefined
  return (name) => {
    if (Object.hasOwn(label2id, name)) return label2id[name]
    composed ??= new Map(Object.entries(label2id).map(([label, index]) => [label.normalize(), index]))
    return composed.get(name.normalize())
  }
}

function oneOf(names: readonly string[]): string {
  if (names.length === 0) return 'a model with names of classes'
  return `one of ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`
}

function classesOf(
  { label2id = {}, problemType }: TwoTowerConfig,
  { key, label, captions }: Sample,
  indexOf: (name: string) => number | undefined,
): readonly number[] {
  const names = problemType === 'multi_label_classification' || label === undefined ? captions : [label]
  return names.map((name) => {
    const place = indexOf(name)
    if (place !== undefined) return place
    throw new InputError('The class is not one of the model’s', {
      expected: oneOf(Object.keys(label2id)),
      found: JSON.stringify(name),
      where: key,
      hint: 'Make the model with these classes, or leave the image out.',
    })
  })
}
