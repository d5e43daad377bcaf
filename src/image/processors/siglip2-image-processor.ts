import { InputError } from '../../errors.js'
import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import type { NdArray } from '../../nd-array.js'
import { allocateValues } from './allocate-values.js'
import type { ImageInput, ReadOptions } from '../decode/image-input.js'
import { checkedList, decodeEach, type OneOrMore } from '../image-list.js'
import { readImageProcessorConfig, type ImageProcessorConfig } from './image-processor-config.js'
import { naflexSize } from '../resize/naflex-size.js'
import { FieldReader } from '../../io/field-reader.js'
import { valueTable, type ValueTable } from './pixel-values.js'
import { extraKeys, processorFile, readProcessorFile, type Options } from './processor-file.js'
import { CHANNELS, type RawImage } from '../raw-image.js'
import { Resampling } from '../resize/resampling.js'
import { resize } from '../resize/resize.js'

/** What a `Siglip2ImageProcessor` does to images. */
export interface Siglip2ImageProcessorConfig extends ImageProcessorConfig {
  /** The side of a patch, in pixels. */
  readonly patchSize: number
  /** An image is resized to at most this many patches, and padded to exactly as many. */
  readonly maxNumPatches: number
}

/** The settings as they are given: all optional. */
export type Siglip2ImageProcessorOptions = Partial<Siglip2ImageProcessorConfig>

/** What NaFlex models take. */
export interface NaflexInputs {
  /** `[batch, maxNumPatches, patchSize × patchSize × 3]`; the samples of a patch row by row, red, green, blue; zeros pad. */
  readonly pixelValues: NdArray<Float32Array>
  /** `[batch, maxNumPatches]`: 1 for a patch, 0 for padding. */
  readonly pixelAttentionMask: NdArray<Int32Array>
  /** `[batch, 2]`: how many patches an image is high and wide. */
  readonly spatialShapes: NdArray<Int32Array>
}

const defaults: Siglip2ImageProcessorConfig = {
  doConvertRgb: false,
  doResize: true,
  resample: Resampling.BILINEAR,
  doRescale: true,
  rescaleFactor: 1 / 255,
  doNormalize: true,
  imageMean: [0.5, 0.5, 0.5],
  imageStd: [0.5, 0.5, 0.5],
  patchSize: 16,
  maxNumPatches: 256,
  backend: 'pillow',
}

const MAX_PATCH_SIZE = 1024
const MAX_NUM_PATCHES = 2 ** 20

/**
 * From images of any proportions to the patches that SigLIP 2's NaFlex models take.
 * Source: `Siglip2ImageProcessorPil` and `Siglip2ImageProcessor` of transformers 5.
 *
 * @example
 *     const processor = await Siglip2ImageProcessor.fromPretrained('models/siglip2-base-patch16-naflex')
 *     const { pixelValues, pixelAttentionMask, spatialShapes } = await processor.call('wide.jpg')
 */
export class Siglip2ImageProcessor {
  readonly config: Siglip2ImageProcessorConfig

  /**
   * @param options what differs from the defaults: up to 256 patches of 16 × 16, bilinear, values from −1 to 1.
   * @param extra keys of a file that this class has no use for; they are written back.
   * @throws InputError if an option is wrong.
   */
  constructor(
    options: Siglip2ImageProcessorOptions = {},
    private readonly extra: Options = {},
  ) {
    this.config = readConfig(new FieldReader(options, undefined, 'own'), defaults)
  }

  /**
   * Reads `processor_config.json` or `preprocessor_config.json` of a checkpoint folder.
   *
   * @param options settings to use instead of the folder's.
   * @throws FileError if there is none; ConfigError if it is wrong or another processor's.
   */
  static async fromPretrained(
    source: string | URL | CheckpointFolder,
    options: Siglip2ImageProcessorOptions = {},
  ): Promise<Siglip2ImageProcessor> {
    const file = await readProcessorFile(source, 'Siglip2ImageProcessor')
    const config = readConfig(new FieldReader(file.options, file.where, 'own'), defaults)
    return new Siglip2ImageProcessor({ ...config, ...options }, extraKeys(file, defaults))
  }

  /** What `savePretrained` writes: file names and their bytes. */
  toFiles(): Map<string, Uint8Array> {
    return processorFile('Siglip2ImageProcessor', { ...this.config }, this.extra)
  }

  /**
   * Reads, decodes and prepares images.
   *
   * @param options settings for only this call, and how images are read.
   * @throws FileError, ImageError or InputError if an image can't be read, decoded or resized so.
   */
  async call(
    images: OneOrMore<ImageInput>,
    options: Siglip2ImageProcessorOptions & ReadOptions = {},
  ): Promise<NaflexInputs> {
    const config = readConfig(new FieldReader(options, undefined, 'own'), this.config)
    const shaped = await decodeEach(images, config.doConvertRgb, options, (image) => wholePatches(image, config))
    return toPatches(shaped, config)
  }

  /**
   * Prepares images that are decoded already.
   *
   * @param options settings for only this call.
   * @throws InputError if an image or an option is wrong, or if an image isn't whole patches without `doResize`.
   */
  preprocess(images: OneOrMore<RawImage>, options: Siglip2ImageProcessorOptions = {}): NaflexInputs {
    const config = readConfig(new FieldReader(options, undefined, 'own'), this.config)
    const shaped = checkedList(images).map((image) => wholePatches(image, config))
    return toPatches(shaped, config)
  }
}

function readConfig(options: FieldReader, base: Siglip2ImageProcessorConfig): Siglip2ImageProcessorConfig {
  return {
    ...readImageProcessorConfig(options, base),
    patchSize: options.integer('patchSize', base.patchSize, { max: MAX_PATCH_SIZE }),
    maxNumPatches: options.integer('maxNumPatches', base.maxNumPatches, { max: MAX_NUM_PATCHES }),
  }
}

/** The image resized to whole patches. */
function wholePatches(image: RawImage, config: Siglip2ImageProcessorConfig): RawImage {
  const { doResize, patchSize, maxNumPatches, resample, backend } = config
  if (doResize) return resize(image, { ...naflexSize(image, patchSize, maxNumPatches), resample, backend })
  const whole = image.height % patchSize === 0 && image.width % patchSize === 0
  if (whole && image.height * image.width <= maxNumPatches * patchSize ** 2) return image
  throw new InputError('Without doResize an image must be whole patches', {
    expected: `multiples of ${patchSize}, at most ${maxNumPatches} patches`,
    found: `${image.height} × ${image.width} pixels`,
  })
}

function toPatches(images: readonly RawImage[], config: Siglip2ImageProcessorConfig): NaflexInputs {
  const { patchSize, maxNumPatches, backend } = config
  const patchLength = patchSize ** 2 * CHANNELS
  const pixelValues = allocateValues([images.length, maxNumPatches, patchLength])
  const mask = new Int32Array(images.length * maxNumPatches)
  const table = valueTable(config, backend)
  const shapes = images.map((image, i) => {
    const [rows, columns] = [image.height / patchSize, image.width / patchSize]
    const first = i * maxNumPatches
    mask.fill(1, first, first + rows * columns)
    writePatches(image, patchSize, table, pixelValues.data.subarray(first * patchLength))
    return [rows, columns]
  })
  return {
    pixelValues,
    pixelAttentionMask: { data: mask, shape: [images.length, maxNumPatches] },
    spatialShapes: { data: Int32Array.from(shapes.flat()), shape: [images.length, 2] },
  }
}

/** `convert_image_to_patches`: patch after patch, in each the rows of its pixels. */
function writePatches(
  { data, height, width }: RawImage,
  patchSize: number,
  table: ValueTable,
  target: Float32Array,
): void {
  const rowLength = patchSize * CHANNELS
  let to = 0
  for (let top = 0; top < height; top += patchSize) {
    for (let left = 0; left < width; left += patchSize) {
      for (let y = top; y < top + patchSize; y++) {
        const from = (y * width + left) * CHANNELS
        for (let i = 0; i < rowLength; i++) target[to++] = table[(i % CHANNELS) * 256 + (data[from + i] ?? 0)] ?? 0
      }
    }
  }
}
