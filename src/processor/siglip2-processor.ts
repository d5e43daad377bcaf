import { openFolder } from '#open-folder'
import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import type { HubOptions } from '../hub/hub-options.js'
import {
  Siglip2ImageProcessor,
  type NaflexInputs,
  type Siglip2ImageProcessorOptions,
} from '../image/processors/siglip2-image-processor.js'
import { AutoTokenizer } from '../tokenizer/auto-tokenizer.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import { Processor } from './processor.js'

/**
 * Tokenizer and image processor of SigLIP 2 with NaFlex.
 * Source: `Siglip2Processor` of transformers' `processing_siglip2.py`.
 *
 * @example
 *     const processor = await Siglip2Processor.fromPretrained('models/siglip2-base-patch16-naflex')
 *     const inputs = await processor.call({ text: ['a cat', 'two dogs'], images: 'cats.jpg' })
 *     const { logitsPerImage } = model.forward(inputs)
 */
export class Siglip2Processor extends Processor<NaflexInputs, Siglip2ImageProcessorOptions> {
  constructor(
    override readonly imageProcessor: Siglip2ImageProcessor,
    tokenizer: PreTrainedTokenizer,
  ) {
    super(imageProcessor, tokenizer, { padding: 'max_length', truncation: true, maxLength: 64 })
  }

  /**
   * Loads both from a checkpoint folder.
   * @throws {FileError | ConfigError | TokenizerError}
   */
  static async fromPretrained(source: CheckpointSource, options?: HubOptions): Promise<Siglip2Processor> {
    const folder = await openFolder(source, options)
    return new Siglip2Processor(
      await Siglip2ImageProcessor.fromPretrained(folder),
      await AutoTokenizer.fromPretrained(folder),
    )
  }
}
