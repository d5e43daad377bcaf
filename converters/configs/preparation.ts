import { InputError } from '../../src/errors.js'
import { isObject } from '../../src/io/is-object.js'
import { RESIZE_MODES, type ResizeMode } from '../../src/image/resize/resize-mode.js'
import type { JsonObject } from '../../src/io/json.js'

/** How images are prepared, as far as the configurations of open_clip and timm can express it. */
export interface Preparation {
  readonly mode: ResizeMode
  /** timm's share of the resized image that is kept. */
  readonly cropPct: number
  /** The samples beside an image, for `longest`. */
  readonly fill: number | readonly number[]
  readonly mean: readonly number[]
  readonly std: readonly number[]
  /** Pillow's name of the filter. */
  readonly filter: string
}

/** By Pillow's numbers. */
const FILTERS = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming']

/** What changes the images, and the value that open_clip and timm always have for it. */
const FIXED = { do_resize: true, do_rescale: true, do_normalize: true, do_center_crop: false, do_pad: false }

/**
 * The effect of an image processor's settings. NaFlex images keep their sides, which no setting of the others says.
 *
 * @param images in transformers' spelling; undefined for none, as the models were trained.
 * @param to for messages.
 * @throws InputError naming the setting that the other format has no word for.
 */
export function preparationOf(images: JsonObject | undefined, to: string): Preparation {
  const { resize_mode: named, crop_pct: cropPct = 1, fill_color: fill = 0, resample = 3 } = images ?? {}
  const isNaFlex = images?.image_processor_type === 'Siglip2ImageProcessor' || images?.max_num_patches !== undefined
  for (const [key, value] of Object.entries(FIXED)) {
    if ((images?.[key] ?? value) !== value) throw untold(to, key, images?.[key])
  }
  const { rescale_factor: factor = 1 / 255, size } = images ?? {}
  if (typeof factor !== 'number' || Math.abs(factor * 255 - 1) > 1e-6) throw untold(to, 'rescale_factor', factor)
  const isExact = size === undefined || typeof size === 'number' || (isObject(size) && 'height' in size)
  if (!isExact && !isNaFlex) throw untold(to, 'size', size)
  const filter = typeof resample === 'number' ? FILTERS[resample] : undefined
  if (filter === undefined) throw untold(to, 'resample', resample)
  const mode = RESIZE_MODES.find((each) => each === (named ?? 'squash'))
  if (mode === undefined) throw untold(to, 'resize_mode', named)
  return {
    mode,
    cropPct: Number(cropPct),
    fill: Array.isArray(fill) ? fill.map(Number) : Number(fill),
    mean: channels(images?.image_mean),
    std: channels(images?.image_std),
    filter,
  }
}

/** open_clip's `preprocess_cfg`. @throws InputError for what it has no word for */
export function openClipPreprocessing(images: JsonObject | undefined): JsonObject {
  const { mode, cropPct, fill, mean, std, filter } = preparationOf(images, 'open_clip')
  if (cropPct !== 1) throw untold('open_clip', 'crop_pct', cropPct)
  if (filter !== 'bilinear' && filter !== 'bicubic') throw untold('open_clip', 'resample', filter)
  if (typeof fill !== 'number') throw untold('open_clip', 'fill_color', fill)
  return { mean, std, interpolation: filter, resize_mode: mode, ...(mode === 'longest' && { fill_color: fill }) }
}

/** The image settings of timm's `pretrained_cfg`. @throws InputError for what it has no word for */
export function timmPreprocessing(images: JsonObject | undefined): JsonObject {
  const { mode, cropPct, fill, mean, std, filter } = preparationOf(images, 'timm')
  const beside = mean.map((value) => Math.round(255 * value)) // what timm fills up with
  const isOwn = mode !== 'longest' || beside.every((value, i) => Math.abs(value - (at(fill, i) ?? NaN)) <= 0.5)
  if (!isOwn) throw untold('timm', 'fill_color', fill)
  const crop = { squash: 'squash', shortest: 'center', longest: 'border' }[mode]
  return { interpolation: filter, crop_pct: cropPct, crop_mode: crop, mean, std }
}

const at = (fill: number | readonly number[], channel: number): number | undefined =>
  typeof fill === 'number' ? fill : fill[channel]

const channels = (value: unknown): readonly number[] =>
  Array.isArray(value) ? value.map(Number) : Array.from({ length: 3 }, () => Number(value ?? 0.5))

function untold(to: string, key: string, value: unknown): InputError {
  return new InputError(`${to} can’t express how these images are prepared`, {
    found: `${key} ${JSON.stringify(value)}`,
    where: 'settings of the image processor',
    hint: 'Convert to transformers or big_vision.',
  })
}
