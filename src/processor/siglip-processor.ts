import { openFolder } from '#open-folder'
import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import type { HubOptions } from '../hub/hub-options.js'
import {
  SiglipImageProcessor,
  type PixelValues,
  type SiglipImageProcessorOptions,
} from '../image/processors/siglip-image-processor.js'
import { AutoTokenizer } from '../tokenizer/auto-tokenizer.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import { Processor } from './processor.js'

/**
 * Tokenizer and image processor of SigLIP, and of SigLIP 2 where its images have one fixed size.
 * Source: `SiglipProcessor` of transformers' `processing_siglip.py`.
 *
 * @example
 *     const processor = await SiglipProcessor.fromPretrained('models/siglip-base-patch16-224')
 *     const inputs = await processor.call({ text: ['a cat', 'two dogs'], images: 'cats.jpg' })
 *     const { logitsPerImage } = model.forward(inputs)
 */
export class SiglipProcessor extends Processor<PixelValues, SiglipImageProcessorOptions> {
  constructor(
    override readonly imageProcessor: SiglipImageProcessor,
    tokenizer: PreTrainedTokenizer,
  ) {
    super(imageProcessor, tokenizer)
  }

  /**
   * Loads both from a checkpoint folder.
   * @throws {FileError | ConfigError | TokenizerError}
   */
  static async fromPretrained(source: CheckpointSource, options?: HubOptions): Promise<SiglipProcessor> {
    const folder = await openFolder(source, options)
    return new SiglipProcessor(
      await SiglipImageProcessor.fromPretrained(folder),
      await AutoTokenizer.fromPretrained(folder),
    )
  }
}
