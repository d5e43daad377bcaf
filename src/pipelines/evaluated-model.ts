import type { ImageInput } from '../image/decode/image-input.js'
import type { ImageProcessor } from '../image/processors/image-preparer.js'
import type { TwoTowerModel } from '../models/siglip/modeling.js'
import type { Sample, TrainingData } from '../training/data/sample.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import type { EmbedOptions } from './embedder.js'

/** Both towers with their processor. */
export interface EvaluatedModel {
  readonly model: TwoTowerModel
  readonly processor: { readonly imageProcessor: ImageProcessor; readonly tokenizer: PreTrainedTokenizer }
}

/** How images and texts go through a model that is evaluated: 32 at once, if nothing else is said. */
export type EvaluateOptions = Omit<EmbedOptions, 'normalize'>

/** All samples of data, without their images. */
export async function allSamples(data: TrainingData): Promise<readonly Sample[]> {
  const inOrder = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i)
  const samples: Sample[] = []
  for (let place = 0; ; place++) {
    const pool = await data.pool(place, inOrder)
    if (!pool) return samples
    for (const sample of pool) samples.push(sample)
  }
}

/** The images of samples, opened when their turn comes. */
export async function* imagesOf(samples: readonly Sample[]): AsyncGenerator<ImageInput> {
  for (const sample of samples) yield await sample.open()
}
