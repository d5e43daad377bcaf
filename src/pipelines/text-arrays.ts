import type { NdArray } from '../nd-array.js'
import type { EncodingOptions } from '../tokenizer/encoding-options.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'

/** What a text tower takes. */
export interface TextArrays {
  readonly inputIds: NdArray
  readonly [name: string]: NdArray
}

/** As in training: padded and truncated to the number of positions. */
export const asTrained = (maxLength: number): EncodingOptions => ({
  padding: 'max_length',
  truncation: true,
  maxLength,
})

/** A text as a batch of one. @throws {InputError} for a value that is not a text */
export function textArrays(tokenizer: PreTrainedTokenizer, text: string, options: EncodingOptions): TextArrays {
  return { ...tokenizer.call([text], options) }
}
