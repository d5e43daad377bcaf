import * as tf from '@tensorflow/tfjs'
import { SiglipForImageClassification } from '../src/models/siglip/image-classification.js'
import { SiglipModel } from '../src/models/siglip/modeling.js'
import { SiglipTextModel } from '../src/models/siglip/text-model.js'
import { SiglipVisionModel } from '../src/models/siglip/vision-model.js'

const tower = { hiddenSize: 12, intermediateSize: 20, numHiddenLayers: 2, numAttentionHeads: 3 }

/** The smallest configurations in which nothing is equal by chance. */
export const tinyText = { ...tower, vocabSize: 31, maxPositionEmbeddings: 5 }
export const tinyVision = { ...tower, imageSize: 8, patchSize: 4 }
export const tiny = { textConfig: tinyText, visionConfig: tinyVision, numLabels: 4 }

/** Inputs that fit them, the caller's to dispose. */
export const tinyIds = (texts = 2): tf.Tensor2D =>
  tf.tidy(() =>
    tf.tensor2d(
      Array.from({ length: texts * 5 }, (_, i) => (i * 7 + 3) % 31),
      [texts, 5],
      'int32',
    ),
  )
export const tinyPixels = (images = 2): tf.Tensor4D => tf.randomNormal([images, 3, 8, 8], 0, 1, 'float32', 3)

/** Each model of the family as a tfjs layer: how it is made, what it takes, and what an input of it is. */
export const family = [
  {
    name: 'SiglipModel',
    make: (seed = 1) => new SiglipModel(tiny, { seed, logits: 'paper' }),
    inputs: () => [tf.input({ shape: [5], dtype: 'int32' }), tf.input({ shape: [3, 8, 8] })],
    values: () => [tinyIds(), tinyPixels()],
  },
  {
    name: 'SiglipTextModel',
    make: (seed = 1) => new SiglipTextModel(tinyText, { seed }),
    inputs: () => [tf.input({ shape: [5], dtype: 'int32' })],
    values: () => [tinyIds()],
  },
  {
    name: 'SiglipVisionModel',
    make: (seed = 1) => new SiglipVisionModel(tinyVision, { seed }),
    inputs: () => [tf.input({ shape: [3, 8, 8] })],
    values: () => [tinyPixels()],
  },
  {
    name: 'SiglipForImageClassification',
    make: (seed = 1) => new SiglipForImageClassification(tiny, { seed }),
    inputs: () => [tf.input({ shape: [3, 8, 8] })],
    values: () => [tinyPixels()],
  },
]
