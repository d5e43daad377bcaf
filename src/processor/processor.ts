import { saveFolder } from '#save-folder'
import { InputError } from '../errors.js'
import type { ImageInput, ReadOptions } from '../image/decode/image-input.js'
import type { BatchEncoding } from '../tokenizer/batch-encoding.js'
import type { BatchOptions } from '../tokenizer/encoding-options.js'
import type { PreTrainedTokenizer } from '../tokenizer/pretrained-tokenizer.js'
import { warnOnce } from '../tokenizer/warn-once.js'

/** Texts for a processor. */
export interface TextInput {
  readonly text: string | readonly string[]
}
/** Images for a processor. */
export interface ProcessorImages {
  readonly images: ImageInput | readonly ImageInput[]
}

/** What a processor needs of an image processor. */
interface ImageProcessor<Images, Options> {
  call(images: ImageInput | readonly ImageInput[], options?: Options & ReadOptions): Promise<Images>
  toFiles(): Map<string, Uint8Array>
}

/**
 * Tokenizer and image processor in one: from texts and images to a model's inputs. Texts are padded to `max_length` and truncated
 * by default, as the models were trained. Source: `ProcessorMixin` of transformers' `processing_utils.py`.
 */
export abstract class Processor<Images extends object, Options extends object> {
  protected constructor(
    readonly imageProcessor: ImageProcessor<Images, Options>,
    readonly tokenizer: PreTrainedTokenizer,
    /** The class's own options for texts, which the tokenizer's files and the caller override. */
    private readonly textDefaults: BatchOptions = {},
  ) {}

  /**
   * @param options the tokenizer's for the texts, the image processor's for the images
   * @throws {InputError} without texts and images; and as tokenizer and image processor do
   */
  call(
    inputs: TextInput & ProcessorImages,
    options?: BatchOptions & Options & ReadOptions,
  ): Promise<BatchEncoding & Images>
  call(inputs: TextInput, options?: BatchOptions): Promise<BatchEncoding>
  call(inputs: ProcessorImages, options?: Options & ReadOptions): Promise<Images>
  async call(
    { text, images }: Partial<TextInput & ProcessorImages> = {},
    options?: BatchOptions & Options & ReadOptions,
  ): Promise<object> {
    if (text === undefined && images === undefined) {
      throw new InputError('Missing inputs', { expected: 'text, images or both' })
    }
    return {
      ...(text !== undefined && this.tokenizer.call(text, this.asTrained(options))),
      ...(images !== undefined && (await this.imageProcessor.call(images, options))),
    }
  }

  /** Writes the files of both into a folder, all or nothing. @throws {FileError} if it can't be written */
  savePretrained(folder: string): Promise<void> {
    return saveFolder(folder, this.toFiles())
  }

  /** What `savePretrained` writes: file names and their bytes. */
  toFiles(): Map<string, Uint8Array> {
    return new Map([...this.imageProcessor.toFiles(), ...this.tokenizer.toFiles()])
  }

  private asTrained(options: BatchOptions = {}): BatchOptions {
    const defaults: BatchOptions = { ...this.textDefaults, ...this.tokenizer.callDefaults }
    const padding = options.padding ?? defaults.padding ?? 'max_length'
    if (padding !== 'max_length') {
      warnOnce(this, "SigLIP was trained with padding: 'max_length'; another padding lowers its scores.")
    }
    return {
      ...options,
      padding,
      truncation: options.truncation ?? defaults.truncation ?? (padding === 'max_length' ? true : undefined),
      maxLength: options.maxLength ?? defaults.maxLength,
      padToMultipleOf: options.padToMultipleOf ?? defaults.padToMultipleOf,
    }
  }
}
