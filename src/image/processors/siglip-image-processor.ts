import { InputError } from '../../errors.js'
import type { CheckpointFolder } from '../../hub/checkpoint-folder.js'
import type { NdArray } from '../../nd-array.js'
import { allocateValues } from './allocate-values.js'
import { centerCrop } from '../resize/crop.js'
import { fit } from '../resize/fit.js'
import type { ImageInput, ReadOptions } from '../decode/image-input.js'
import { checkedList, decodeEach, type OneOrMore } from '../image-list.js'
import { readImageProcessorConfig, type ImageProcessorConfig } from './image-processor-config.js'
import { FieldReader } from '../../io/field-reader.js'
import { readColour, readShare, readSize, readTargetSize } from './option-values.js'
import { valueTable } from './pixel-values.js'
import { extraKeys, processorFile, readProcessorFile, type Options } from './processor-file.js'
import { CHANNELS, type RawImage } from '../raw-image.js'
import { RESIZE_MODES, type ResizeMode } from '../resize/resize-mode.js'
import { Resampling } from '../resize/resampling.js'
import { resize } from '../resize/resize.js'
import { targetSize, type Size, type TargetSize } from '../resize/target-size.js'
import { largest } from '../../largest.js'

/**
 * What a `SiglipImageProcessor` does to images, in this order. Every field must survive `toFiles`: worker threads are made from the files
 * (image-job.ts); only `backend` is sent beside.
 */
export interface SiglipImageProcessorConfig extends ImageProcessorConfig {
  readonly size: TargetSize
  /** Whether a `size` of one number is both sides, and not the shorter one. */
  readonly defaultToSquare: boolean
  readonly doCenterCrop: boolean
  /** For `doCenterCrop`. */
  readonly cropSize: Size | undefined
  /** Whether images smaller than `padSize` get zeros to the right and below. */
  readonly doPad: boolean
  /** For `doPad`; the largest sides of the batch by default. */
  readonly padSize: Size | undefined
  /**
   * How images come to `size`, which is exact then, where a model was made with open_clip or timm: `'shortest'`: the shorter side
   * fits, the rest is cropped; `'longest'`: the longer side fits, the rest is filled up; `'squash'`. Default: only `size` decides, as in
   * transformers.
   */
  readonly resizeMode?: ResizeMode | undefined
  /** For `resizeMode`: timm's share of the sides that is kept, of an image resized to more than `size`. Default: 1. */
  readonly cropPct?: number | undefined
  /** For `resizeMode` `'longest'`: the samples beside the image, of all channels or each. Default: 0. */
  readonly fillColor?: number | readonly number[] | undefined
}

/** The settings as they are given: all optional, sizes also as one number or `[height, width]`. */
export type SiglipImageProcessorOptions = Partial<Omit<SiglipImageProcessorConfig, 'size' | 'cropSize' | 'padSize'>> & {
  /** One number is the shorter side, or both with `defaultToSquare`. */
  readonly size?: TargetSize | readonly [height: number, width: number] | number
  readonly cropSize?: Size | readonly [height: number, width: number] | number
  readonly padSize?: Size | readonly [height: number, width: number] | number
}

/** What models take. */
export interface PixelValues {
  /** `[batch, 3, height, width]`; by default from −1 to 1. */
  readonly pixelValues: NdArray<Float32Array>
}

const defaults: SiglipImageProcessorConfig = {
  doConvertRgb: true,
  doResize: true,
  size: { height: 224, width: 224 },
  defaultToSquare: false,
  resample: Resampling.BICUBIC,
  doCenterCrop: false,
  cropSize: undefined,
  doRescale: true,
  rescaleFactor: 1 / 255,
  doNormalize: true,
  imageMean: [0.5, 0.5, 0.5],
  imageStd: [0.5, 0.5, 0.5],
  doPad: false,
  padSize: undefined,
  resizeMode: undefined,
  cropPct: undefined,
  fillColor: undefined,
  backend: 'pillow',
}

/**
 * From images to the pixel values that SigLIP models take: resize, crop, rescale, normalize.
 * Source: `SiglipImageProcessorPil` and `SiglipImageProcessor` of transformers 5.
 *
 * @example
 *     const processor = await SiglipImageProcessor.fromPretrained('models/siglip-base-patch16-224')
 *     const { pixelValues } = await processor.call(['cat.jpg', 'dog.png'])   // shape [2, 3, 224, 224]
 */
export class SiglipImageProcessor {
  readonly config: SiglipImageProcessorConfig

  /**
   * @param options what differs from the defaults: 224 × 224, bicubic, values from −1 to 1.
   * @param extra keys of a file that this class has no use for; they are written back.
   * @throws InputError if an option is wrong.
   */
  constructor(
    options: SiglipImageProcessorOptions = {},
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
    options: SiglipImageProcessorOptions = {},
  ): Promise<SiglipImageProcessor> {
    const file = await readProcessorFile(source, 'SiglipImageProcessor')
    const config = readConfig(new FieldReader(file.options, file.where, 'own'), defaults)
    return new SiglipImageProcessor({ ...given(config), ...options }, extraKeys(file, defaults))
  }

  /** What `savePretrained` writes: file names and their bytes. */
  toFiles(): Map<string, Uint8Array> {
    const { doCenterCrop, doPad, defaultToSquare } = this.config
    const optional = {
      doCenterCrop: doCenterCrop || undefined,
      doPad: doPad || undefined,
      defaultToSquare: defaultToSquare || undefined,
    }
    return processorFile('SiglipImageProcessor', { ...this.config, ...optional }, this.extra)
  }

  /**
   * Reads, decodes and prepares images.
   *
   * @param options settings for only this call, and how images are read.
   * @throws FileError, ImageError or InputError if an image can't be read, decoded or resized so.
   */
  async call(
    images: OneOrMore<ImageInput>,
    options: SiglipImageProcessorOptions & ReadOptions = {},
  ): Promise<PixelValues> {
    const config = readConfig(new FieldReader(options, undefined, 'own'), this.config)
    const ready = await decodeEach(images, config.doConvertRgb, options, (image) => shaped(image, config))
    return toPixelValues(ready, config)
  }

  /**
   * Prepares images that are decoded already.
   *
   * @param options settings for only this call.
   * @throws InputError if an image or an option is wrong, or if the images end in different sizes.
   */
  preprocess(images: OneOrMore<RawImage>, options: SiglipImageProcessorOptions = {}): PixelValues {
    const config = readConfig(new FieldReader(options, undefined, 'own'), this.config)
    const ready = checkedList(images).map((image) => shaped(image, config))
    return toPixelValues(ready, config)
  }
}

function readConfig(options: FieldReader, base: SiglipImageProcessorConfig): SiglipImageProcessorConfig {
  const defaultToSquare = options.boolean('defaultToSquare', base.defaultToSquare)
  const config = {
    ...readImageProcessorConfig(options, base),
    size: readTargetSize(options, 'size', base.size, defaultToSquare),
    defaultToSquare,
    doCenterCrop: options.boolean('doCenterCrop', base.doCenterCrop),
    cropSize: readSize(options, 'cropSize', base.cropSize),
    doPad: options.boolean('doPad', base.doPad),
    padSize: readSize(options, 'padSize', base.padSize),
    resizeMode: options.oneOf('resizeMode', RESIZE_MODES, base.resizeMode),
  }
  if (config.resizeMode === undefined) return checked(config, options)
  const fitted = {
    ...config,
    cropPct: readShare(options, 'cropPct', base.cropPct),
    fillColor: readColour(options, 'fillColor', base.fillColor),
  }
  if ('height' in config.size && config.doResize && !config.doCenterCrop && config.backend === 'pillow') return fitted
  throw options.error('resizeMode does not support these settings', {
    expected: 'a size of height and width, doResize, no doCenterCrop and Pillow’s arithmetic',
    found: JSON.stringify({ size: config.size, doResize: config.doResize, doCenterCrop: config.doCenterCrop }),
  })
}

function checked(config: SiglipImageProcessorConfig, options: FieldReader): SiglipImageProcessorConfig {
  if (!config.doCenterCrop || config.cropSize) return config
  throw options.error('Missing cropSize', { expected: 'the size to crop to with doCenterCrop', found: 'none' })
}

/** A configuration as options: without what isn't set. */
function given({ cropSize, padSize, ...config }: SiglipImageProcessorConfig): SiglipImageProcessorOptions {
  return { ...config, ...(cropSize && { cropSize }), ...(padSize && { padSize }) }
}

/** The image in the size it goes into the batch. */
function shaped(image: RawImage, config: SiglipImageProcessorConfig): RawImage {
  const { doResize, size, resample, backend, doCenterCrop, cropSize, resizeMode: mode, cropPct, fillColor } = config
  if (mode !== undefined && 'height' in size) return fit(image, { mode, size, cropPct, fillColor, resample })
  const resized = doResize ? resize(image, { ...targetSize(image, size), resample, backend }) : image
  return doCenterCrop && cropSize ? centerCrop(resized, cropSize, backend) : resized
}

function toPixelValues(images: readonly RawImage[], config: SiglipImageProcessorConfig): PixelValues {
  const { height, width } = batchSize(images, config)
  const pixelValues = allocateValues([images.length, CHANNELS, height, width])
  const { data } = pixelValues
  const table = valueTable(config, config.backend)
  for (const [i, image] of images.entries()) {
    for (let channel = 0; channel < CHANNELS; channel++) {
      const values = table.subarray(channel * 256, channel * 256 + 256)
      for (let y = 0; y < image.height; y++) {
        let to = ((i * CHANNELS + channel) * height + y) * width
        let from = y * image.width * CHANNELS + channel
        for (const end = to + image.width; to < end; to++, from += CHANNELS)
          data[to] = values[image.data[from] ?? 0] ?? 0
      }
    }
  }
  return { pixelValues }
}

/** The size that all images of a batch have, or are padded to. */
function batchSize(images: readonly RawImage[], { doPad, padSize }: SiglipImageProcessorConfig): Size {
  const height = largest(images.map((image) => image.height))
  const width = largest(images.map((image) => image.width))
  if (!doPad) {
    const other = images.find((image) => image.height !== height || image.width !== width)
    if (!other) return { height, width }
    throw new InputError('The images have different sizes', {
      expected: `${height} × ${width}`,
      found: `${other.height} × ${other.width}`,
      hint: 'Give them one by one, or set doPad.',
    })
  }
  if (!padSize) return { height, width }
  if (padSize.height >= height && padSize.width >= width) return padSize
  throw new InputError('An image is larger than padSize', {
    expected: `at most ${padSize.height} × ${padSize.width}`,
    found: `${height} × ${width}`,
  })
}
