/**
 * Text to ids: the tokenizers of SigLIP and SigLIP 2, which {@link AutoTokenizer} chooses between. Loads no TensorFlow.js.
 *
 * @example
 * ```ts
 * import { AutoTokenizer } from 'siglip-tfjs/tokenizer'
 *
 * const tokenizer = await AutoTokenizer.fromPretrained('models/siglip-tiny')
 * const { inputIds } = tokenizer.call(['a cat', 'two dogs'])
 * ```
 *
 * @module
 */
export * from '../errors.js'
export type { NdArray } from '../nd-array.js'
export type { CheckpointFolder, CheckpointSource } from '../hub/checkpoint-folder.js'
export type { DownloadProgress, Fetch, FetchInit, HubOptions } from '../hub/hub-options.js'

export { AutoTokenizer } from '../tokenizer/auto-tokenizer.js'
export { SiglipTokenizer } from '../tokenizer/siglip-tokenizer.js'
export { Siglip2Tokenizer } from '../tokenizer/siglip2-tokenizer.js'
export type { OnTruncatedTexts, TruncatedTexts } from '../tokenizer/truncated-texts.js'
export { PreTrainedTokenizer, type DecodeOptions, type Ids } from '../tokenizer/pretrained-tokenizer.js'
export type { Truncation } from '../tokenizer/truncation.js'
export type { AddedToken } from '../tokenizer/added-token.js'
export type { BatchEncoding } from '../tokenizer/batch-encoding.js'
export type { BatchOptions, EncodingOptions } from '../tokenizer/encoding-options.js'
export type { CanonicalizeOptions } from '../tokenizer/clean/canonicalize.js'
export type { Side, TokenizerConfig } from '../tokenizer/tokenizer-config.js'
