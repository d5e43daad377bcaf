import type { Size } from './target-size.js'

/** The precision that the scale is searched with. */
const EPSILON = 1e-5

/**
 * The largest size of an image that keeps its proportions, is whole patches, and has no more than `maxNumPatches` of them.
 * Source: `get_image_size_for_max_num_patches` of transformers' `image_processing_siglip2.py`.
 */
export function naflexSize(source: Size, patchSize: number, maxNumPatches: number): Size {
  const scaled = (scale: number, side: number): number =>
    Math.max(patchSize, Math.ceil((side * scale) / patchSize) * patchSize)
  let lower = EPSILON / 10
  let upper = 100
  while (upper - lower >= EPSILON) {
    const scale = (lower + upper) / 2
    const patches = (scaled(scale, source.height) / patchSize) * (scaled(scale, source.width) / patchSize)
    if (patches <= maxNumPatches) lower = scale
    else upper = scale
  }
  return { height: scaled(lower, source.height), width: scaled(lower, source.width) }
}
