type Options = Readonly<Record<string, unknown>>

/**
 * How open_clip (`open_clip_config.json`) and timm (`config.json`) say that pictures are prepared, in transformers' spelling: both
 * squash them to a square, as SigLIP's own processor does.
 *
 * @returns undefined if the files don't tell a fixed size.
 */
export function foreignSettings(openClip: Options, timm: Options): Options | undefined {
  const { vision_cfg: vision } = record(record(openClip)['model_cfg'])
  const told = record(openClip['preprocess_cfg'] ?? timm['pretrained_cfg'])
  const { 1: height, 2: width } = record(told['input_size']) // channels, height, width
  const side = record(vision)['image_size']
  const size = side === undefined ? { height, width } : { height: side, width: side }
  if (size.height === undefined || told['fixed_input_size'] === false) return undefined
  return {
    image_processor_type: 'SiglipImageProcessor',
    size,
    resample: told['interpolation'] === 'bilinear' ? 2 : 3,
    ...(told['mean'] !== undefined && { image_mean: told['mean'] }),
    ...(told['std'] !== undefined && { image_std: told['std'] }),
  }
}

const record = (value: unknown): Options =>
  typeof value === 'object' && value ? Object.fromEntries(Object.entries(value)) : {}
