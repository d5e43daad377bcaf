import { openFolder } from '#open-folder'
import type { CheckpointSource } from '../hub/checkpoint-folder.js'
import type { HubOptions } from '../hub/hub-options.js'
import { AutoImageProcessor } from '../image/processors/auto-image-processor.js'
import { SiglipImageProcessor } from '../image/processors/siglip-image-processor.js'
import { AutoTokenizer } from '../tokenizer/auto-tokenizer.js'
import { SiglipProcessor } from './siglip-processor.js'
import { Siglip2Processor } from './siglip2-processor.js'

/** Loads the processor that a checkpoint folder names. */
export const AutoProcessor = {
  /** @throws {FileError | ConfigError | TokenizerError} */
  async fromPretrained(source: CheckpointSource, options?: HubOptions): Promise<SiglipProcessor | Siglip2Processor> {
    const folder = await openFolder(source, options)
    const imageProcessor = await AutoImageProcessor.fromPretrained(folder)
    const tokenizer = await AutoTokenizer.fromPretrained(folder)
    return imageProcessor instanceof SiglipImageProcessor
      ? new SiglipProcessor(imageProcessor, tokenizer)
      : new Siglip2Processor(imageProcessor, tokenizer)
  },
} as const
