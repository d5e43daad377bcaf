import { openFolder } from '#open-folder'
import { InputError } from '../errors.js'
import type { CheckpointFolder } from '../hub/checkpoint-folder.js'
import type { ImageInput } from '../image/image-input.js'
import { SiglipImageProcessor, type SiglipImageProcessorOptions } from '../image/siglip-image-processor.js'
import type { NdArray } from '../nd-array.js'
import type { BatchEncoding } from '../tokenizer/batch-encoding.js'
import type { BatchOptions } from '../tokenizer/encoding-options.js'
import { SiglipTokenizer } from '../tokenizer/siglip-tokenizer.js'
import { warnOnce } from '../tokenizer/warn-once.js'

interface TextInput {
  readonly text: string | readonly string[]
}
interface PictureInput {
  readonly images: ImageInput | readonly ImageInput[]
}
interface PixelValues {
  /** `[batch, channels, height, width]` */
  readonly pixelValues: NdArray<Float32Array>
}

/** The options of tokenizer and image processor. By default texts are padded to `max_length` and truncated, as in training. */
export type ProcessorOptions = BatchOptions & SiglipImageProcessorOptions

/**
 * Tokenizer and image processor in one: from texts and pictures to a model's inputs.
 * Source: `SiglipProcessor` of transformers' `processing_siglip.py`.
 *
 * @example
 *     const processor = await SiglipProcessor.fromPretrained('models/siglip-base-patch16-224')
 *     const inputs = await processor.call({ text: ['a cat', 'two dogs'], images: 'cats.jpg' })
 *     const { logitsPerImage } = model.forward(inputs)
 */
export class SiglipProcessor {
  constructor(
    readonly imageProcessor: SiglipImageProcessor,
    readonly tokenizer: SiglipTokenizer,
  ) {}

  /**
   * Loads both from a checkpoint folder.
   * @throws {FileError | ConfigError | TokenizerError}
   */
  static async fromPretrained(source: string | URL | CheckpointFolder): Promise<SiglipProcessor> {
    const folder = typeof source === 'string' || source instanceof URL ? await openFolder(source) : source
    return new SiglipProcessor(
      await SiglipImageProcessor.fromPretrained(folder),
      await SiglipTokenizer.fromPretrained(folder),
    )
  }

  /** @throws {InputError} without texts and pictures; and as tokenizer and image processor do */
  call(inputs: TextInput & PictureInput, options?: ProcessorOptions): Promise<BatchEncoding & PixelValues>
  call(inputs: TextInput, options?: ProcessorOptions): Promise<BatchEncoding>
  call(inputs: PictureInput, options?: ProcessorOptions): Promise<PixelValues>
  async call(
    { text, images }: Partial<TextInput & PictureInput>,
    options: ProcessorOptions = {},
  ): Promise<Partial<BatchEncoding & PixelValues>> {
    if (text === undefined && images === undefined) {
      throw new InputError('nothing to process', { expected: 'text, images or both' })
    }
    return {
      ...(text !== undefined && this.tokenizer.call(text, paddedAsTrained(this, options))),
      ...(images !== undefined && (await this.imageProcessor.call(images, options))),
    }
  }

  /** What `savePretrained` writes: file names and their bytes. */
  toFiles(): Map<string, Uint8Array> {
    return new Map([...this.imageProcessor.toFiles(), ...this.tokenizer.toFiles()])
  }
}

function paddedAsTrained(owner: object, options: BatchOptions): BatchOptions {
  const padding = options.padding ?? 'max_length'
  if (padding !== 'max_length') {
    warnOnce(owner, "SigLIP was trained with padding: 'max_length'; another padding lowers its scores.")
  }
  return { ...options, padding, truncation: options.truncation ?? padding === 'max_length' }
}
