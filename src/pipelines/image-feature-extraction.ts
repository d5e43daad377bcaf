import type * as tf from '@tensorflow/tfjs'
import { imagePreparer } from '#image-preparer'
import { ConfigError } from '../errors.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { AutoImageProcessor } from '../image/processors/auto-image-processor.js'
import type { ImageInput } from '../image/decode/image-input.js'
import type { Siglip2ImageProcessor } from '../image/processors/siglip2-image-processor.js'
import type { SiglipImageProcessor } from '../image/processors/siglip-image-processor.js'
import { AutoConfig } from '../models/auto/auto-config.js'
import type { PipelineOptions } from './pipeline-options.js'
import type { VisionModelOutput } from '../models/siglip/vision-model.js'
import { Siglip2VisionModel } from '../models/siglip2/vision-model.js'
import { SiglipVisionModel, type VisionTower } from '../models/siglip/vision-model.js'
import type { NdArray } from '../nd-array.js'
import { stacked, takeRows, type Arrays } from '../models/model-arrays.js'
import { batchFunction } from './batch-function.js'
import { pipelineCall, resources, type OneImage, type PipelineCall, type PipelineResources } from './pipeline-call.js'
import { runBatches, type RunOptions } from './run-batches.js'

export interface ImageFeatureExtractionOptions extends RunOptions {
  /** Returns the embedding `[1, hidden]`, not yet of length one, instead of the last hidden state. Default: false. */
  readonly pool?: boolean | undefined
}

/**
 * What the image tower makes of images: the last hidden state `[1, patches, hidden]` of each, or its embedding.
 * Source: `ImageFeatureExtractionPipeline` of transformers' `image_feature_extraction.py`.
 *
 * @example
 *     const extract = await pipeline('image-feature-extraction', 'google/siglip-base-patch16-224')
 *     const { data, shape } = await extract('cats.jpg', { pool: true }) // shape [1, 768]
 */
export interface ImageFeatureExtractionPipeline
  extends
    PipelineCall<OneImage, ImageInput, [options?: ImageFeatureExtractionOptions | undefined], NdArray<Float32Array>>,
    PipelineResources {
  readonly model: SiglipVisionModel | Siglip2VisionModel
  readonly imageProcessor: SiglipImageProcessor | Siglip2ImageProcessor
}

/** Loads the image tower, a whole model's or a lone one, and its image processor from a checkpoint folder. */
export async function imageFeatureExtraction(
  folder: CheckpointFolder,
  options: PipelineOptions = {},
): Promise<ImageFeatureExtractionPipeline> {
  const imageProcessor = await AutoImageProcessor.fromPretrained(folder)
  const { modelType } = await AutoConfig.fromPretrained(folder)
  const model = modelType.startsWith('siglip2')
    ? await Siglip2VisionModel.fromPretrained(folder, options)
    : await SiglipVisionModel.fromPretrained(folder, options)
  const preparer = imagePreparer(imageProcessor)
  const tower: VisionTower = model // it checks what the image processor has made
  const functions = {
    pooled: batchFunction<Arrays, tf.Tensor>((inputs) => pooled(tower.forward(inputs)), options),
    whole: batchFunction<Arrays, tf.Tensor>((inputs) => tower.forward(inputs).lastHiddenState, options),
  }

  async function* stream(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    { pool = false, ...run }: ImageFeatureExtractionOptions = {},
  ): AsyncGenerator<NdArray<Float32Array>> {
    const batches = runBatches(
      images,
      (image) => preparer.prepare(image),
      async (batch) => takeRows(await functions[pool ? 'pooled' : 'whole'](stacked(batch))),
      run,
    )
    for await (const rows of batches) yield* rows
  }

  const dispose = (): void => {
    functions.pooled.dispose()
    functions.whole.dispose()
    model.dispose()
    preparer.dispose()
  }
  return Object.assign(pipelineCall(stream), { model, imageProcessor }, resources(dispose))
}

function pooled({ poolerOutput }: VisionModelOutput): tf.Tensor2D {
  if (poolerOutput) return poolerOutput
  throw new ConfigError('The model has no image embedding', {
    expected: 'an image tower with its head',
    found: 'vision_use_head: false',
    hint: 'Leave pool out for the last hidden state.',
  })
}
