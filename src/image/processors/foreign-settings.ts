import { ConfigError } from '../../errors.js'
import { halfToEven } from '../resize/half-to-even.js'
import { RESIZE_MODES, type ResizeMode } from '../resize/resize-mode.js'
import { Resampling } from '../resize/resampling.js'

type Options = Readonly<Record<string, unknown>>

/** Means and deviations that open_clip and timm take where their files have none. */
const OPENAI = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] }
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

const FILTERS: Readonly<Record<string, Resampling>> = {
  nearest: Resampling.NEAREST,
  lanczos: Resampling.LANCZOS,
  bilinear: Resampling.BILINEAR,
  bicubic: Resampling.BICUBIC,
  box: Resampling.BOX,
  hamming: Resampling.HAMMING,
}

/** timm’s `crop_mode` by the resizing that it means; what it doesn't know is `center` to it. */
const CROP_MODES: Readonly<Record<string, ResizeMode>> = { squash: 'squash', border: 'longest' }

/** timm’s `DEFAULT_CROP_PCT`. */
const CROP_PCT = 0.875

/**
 * How open_clip (`open_clip_config.json`) and timm (`config.json`) prepare images, in transformers' spelling. Where they don't just
 * squash images to the size, `resize_mode`, `crop_pct` and `fill_color` say what they do.
 *
 * Source: `image_transform_v2` of open_clip's `transform.py`, `transforms_imagenet_eval` of timm's `data/transforms_factory.py`.
 *
 * @returns undefined if the files don't determine a fixed size.
 * @throws ConfigError for settings that open_clip or timm refuses, too.
 */
export function foreignSettings(openClip: Options, timm: Options, where: string): Options | undefined {
  const { vision_cfg: vision } = record(openClip['model_cfg'])
  const { image_size: side } = record(vision)
  if (side !== undefined && side !== null) return ofOpenClip(side, record(openClip['preprocess_cfg']), where)
  const given = record(openClip['preprocess_cfg'] ?? timm['pretrained_cfg'])
  const { 1: height, 2: width } = record(given['input_size']) // channels, height, width
  if (height === undefined || given['fixed_input_size'] === false) return undefined
  return ofTimm({ height, width }, given, where)
}

function ofOpenClip(side: unknown, given: Options, where: string): Options {
  const { 0: height = side, 1: width = side } = Array.isArray(side) ? record(side) : {}
  const mode = named('resize_mode', given['resize_mode'] ?? 'shortest', RESIZE_MODES, where)
  const filter = named('interpolation', given['interpolation'] ?? 'bicubic', ['bicubic', 'bilinear', 'random'], where)
  // open_clip takes the shorter side of a non-square size by its default filter.
  const isBilinear = filter === 'bilinear' && (mode !== 'shortest' || height === width)
  return {
    image_processor_type: 'SiglipImageProcessor',
    size: { height, width },
    resample: isBilinear ? Resampling.BILINEAR : Resampling.BICUBIC,
    image_mean: given['mean'] ?? OPENAI.mean,
    image_std: given['std'] ?? OPENAI.std,
    ...(mode !== 'squash' && { resize_mode: mode }),
    ...(mode === 'longest' && { fill_color: given['fill_color'] ?? 0 }),
  }
}

function ofTimm(size: { readonly height: unknown; readonly width: unknown }, given: Options, where: string): Options {
  const filter = named('interpolation', given['interpolation'] || 'bicubic', Object.keys(FILTERS), where)
  const mode = CROP_MODES[String(given['crop_mode'])] ?? 'shortest'
  const share = given['crop_pct'] || CROP_PCT
  const { mean, std } = { mean: given['mean'] ?? IMAGENET.mean, std: given['std'] ?? IMAGENET.std }
  const isSquashed = mode === 'squash' && share === 1
  return {
    image_processor_type: 'SiglipImageProcessor',
    size,
    resample: FILTERS[filter],
    image_mean: mean,
    image_std: std,
    ...(!isSquashed && { resize_mode: mode, crop_pct: share }),
    ...(mode === 'longest' && { fill_color: Array.isArray(mean) ? mean.map((value) => sample(value)) : undefined }),
  }
}

/** The sample of a mean, as Python rounds it. */
function sample(mean: unknown): number {
  return halfToEven(255 * Number(mean))
}

function named(key: string, value: unknown, allowed: readonly string[], where: string): string {
  const found = allowed.find((name) => name === value)
  if (found !== undefined) return found
  throw new ConfigError(`Unknown ${key}`, {
    expected: allowed.join(', '),
    found: JSON.stringify(value),
    where,
  })
}

const record = (value: unknown): Options =>
  typeof value === 'object' && value ? Object.fromEntries(Object.entries(value)) : {}
