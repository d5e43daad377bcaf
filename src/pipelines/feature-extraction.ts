import type * as tf from '@tensorflow/tfjs'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { AutoConfig } from '../models/auto/auto-config.js'
import type { PipelineOptions } from './pipeline-options.js'
import { Siglip2TextModel } from '../models/siglip2/modeling.js'
import { SiglipTextModel } from '../models/siglip/text-model.js'
import type { NdArray } from '../nd-array.js'
import { AutoTokenizer } from '../tokenizer/auto-tokenizer.js'
import type { EncodingOptions } from '../tokenizer/encoding-options.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import { stacked, takeRows } from '../models/model-arrays.js'
import { batchFunction } from './batch-function.js'
import { pipelineCall, resources, type PipelineCall, type PipelineResources } from './pipeline-call.js'
import { runBatches, type RunOptions } from './run-batches.js'
import { TruncationCount } from '../tokenizer/truncated-texts.js'
import { asTrained, textArrays, type TextArrays } from './text-arrays.js'

export interface FeatureExtractionOptions extends RunOptions {
  /**
   * Returns the embedding `[1, projection]`, not yet of length one, instead of the last hidden state; texts are then padded and truncated
   * as the models were trained. Default: false.
   */
  readonly pool?: boolean | undefined
  /** How the texts are tokenized. Default: neither padded nor truncated, as in transformers. */
  readonly tokenizeKwargs?: EncodingOptions | undefined
}

/**
 * What the text tower makes of texts: the last hidden state `[1, tokens, hidden]` of each, or its embedding.
 * Source: `FeatureExtractionPipeline` of transformers' `feature_extraction.py`.
 *
 * @example
 *     const extract = await pipeline('feature-extraction', 'google/siglip-base-patch16-224')
 *     const { data, shape } = await extract('a photo of two cats', { pool: true }) // shape [1, 768]
 */
export interface FeatureExtractionPipeline
  extends
    PipelineCall<string, string, [options?: FeatureExtractionOptions | undefined], NdArray<Float32Array>>,
    PipelineResources {
  readonly model: SiglipTextModel | Siglip2TextModel
  readonly tokenizer: PreTrainedTokenizer
}

/** Loads the text tower, a whole model's or a lone one, and its tokenizer from a checkpoint folder. */
export async function featureExtraction(
  folder: CheckpointFolder,
  options: PipelineOptions = {},
): Promise<FeatureExtractionPipeline> {
  const tokenizer = await AutoTokenizer.fromPretrained(folder)
  const { modelType } = await AutoConfig.fromPretrained(folder)
  const model = modelType.startsWith('siglip2')
    ? await Siglip2TextModel.fromPretrained(folder, options)
    : await SiglipTextModel.fromPretrained(folder, options)
  const functions = {
    pooled: batchFunction<TextArrays, tf.Tensor>((inputs) => model.forward(inputs).poolerOutput, options),
    whole: batchFunction<TextArrays, tf.Tensor>((inputs) => model.forward(inputs).lastHiddenState, options),
  }

  async function* stream(
    texts: Iterable<string> | AsyncIterable<string>,
    { pool = false, tokenizeKwargs, ...run }: FeatureExtractionOptions = {},
  ): AsyncGenerator<NdArray<Float32Array>> {
    const { maxPositionEmbeddings } = model.config
    const truncated = new TruncationCount(
      tokenizer,
      tokenizeKwargs?.maxLength ?? maxPositionEmbeddings,
      run.onTruncated,
    )
    const encoding = {
      ...(pool && asTrained(maxPositionEmbeddings)),
      onTruncated: truncated.add,
      ...tokenizeKwargs,
    }
    const compute = async (batch: readonly TextArrays[]): Promise<NdArray<Float32Array>[]> =>
      takeRows(await functions[pool ? 'pooled' : 'whole'](stacked(batch)))
    const batches = runBatches(
      texts,
      (text) => textArrays(tokenizer, text, encoding),
      (batch) => byLength(batch, compute),
      run,
    )
    try {
      for await (const rows of batches) yield* rows
    } finally {
      truncated.end()
    }
  }

  const dispose = (): void => {
    functions.pooled.dispose()
    functions.whole.dispose()
    model.dispose()
  }
  return Object.assign(
    pipelineCall<string, string, [options?: FeatureExtractionOptions], NdArray<Float32Array>>(stream),
    { model, tokenizer },
    resources(dispose),
  )
}

/** Computes texts of one length together, and gives the results in the order of the texts: padding would change them. */
async function byLength<R>(
  texts: readonly TextArrays[],
  compute: (texts: readonly TextArrays[]) => Promise<R[]>,
): Promise<R[]> {
  const results = new Map<TextArrays, R>()
  const groups = new Map<number | undefined, TextArrays[]>()
  for (const text of texts) {
    const group = groups.get(lengthOf(text))
    if (group) group.push(text)
    else groups.set(lengthOf(text), [text])
  }
  for (const group of groups.values()) {
    const computed = await compute(group)
    computed.forEach((result, i) => group[i] && results.set(group[i], result))
  }
  return texts.flatMap((text) => results.get(text) ?? [])
}

const lengthOf = ({ inputIds }: TextArrays): number | undefined => inputIds.shape[1]
