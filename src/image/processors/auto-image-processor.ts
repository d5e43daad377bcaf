import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import { readProcessorFile } from './processor-file.js'
import { Siglip2ImageProcessor } from './siglip2-image-processor.js'
import { SiglipImageProcessor, type SiglipImageProcessorOptions } from './siglip-image-processor.js'

/** Loads the image processor that a checkpoint folder names, as transformers' `AutoImageProcessor` does. */
export const AutoImageProcessor = {
  /**
   * @param options settings to use instead of the folder's.
   * @returns a `Siglip2ImageProcessor` for NaFlex checkpoints, else a `SiglipImageProcessor`.
   * @throws FileError if the folder holds none; ConfigError if it is wrong, or of another family.
   */
  async fromPretrained(
    source: string | URL | CheckpointFolder,
    options: Pick<SiglipImageProcessorOptions, 'backend'> = {},
  ): Promise<SiglipImageProcessor | Siglip2ImageProcessor> {
    const { type, folder } = await readProcessorFile(source)
    return type === 'Siglip2ImageProcessor'
      ? Siglip2ImageProcessor.fromPretrained(folder, options)
      : SiglipImageProcessor.fromPretrained(folder, options)
  },
} as const
