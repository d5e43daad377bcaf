import { openFolder } from '#open-folder'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import { AutoImageProcessor } from '../image/auto-image-processor.js'
import { SiglipImageProcessor } from '../image/siglip-image-processor.js'
import { AutoTokenizer } from '../tokenizer/auto-tokenizer.js'
import { SiglipProcessor } from './siglip-processor.js'
import { Siglip2Processor } from './siglip2-processor.js'

/** Loads the processor that a checkpoint folder names. */
export const AutoProcessor = {
  /** @throws {FileError | ConfigError | TokenizerError} */
  async fromPretrained(source: string | URL | CheckpointFolder): Promise<SiglipProcessor | Siglip2Processor> {
    const folder = typeof source === 'string' || source instanceof URL ? await openFolder(source) : source
    const imageProcessor = await AutoImageProcessor.fromPretrained(folder)
    const tokenizer = await AutoTokenizer.fromPretrained(folder)
    return imageProcessor instanceof SiglipImageProcessor
      ? new SiglipProcessor(imageProcessor, tokenizer)
      : new Siglip2Processor(imageProcessor, tokenizer)
  },
} as const
