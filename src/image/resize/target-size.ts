import { halfToEven } from './half-to-even.js'

/**
 * The size that an image is resized to, in the ways `preprocessor_config.json` can say it: exactly; so that the shorter side
 * fits, with or without a limit for the longer one; or so that it fits into a box.
 */
export type TargetSize =
  | { readonly height: number; readonly width: number }
  | { readonly shortestEdge: number; readonly longestEdge?: number }
  | { readonly maxHeight: number; readonly maxWidth: number }

/** A size in pixels. */
export interface Size {
  readonly height: number
  readonly width: number
}

/**
 * The size an image of a certain size gets.
 * Source: `get_size_with_aspect_ratio`, `get_resize_output_image_size`, `get_image_size_for_max_height_width` of transformers.
 */
export function targetSize(source: Size, target: TargetSize): Size {
  if ('height' in target) return target
  if ('maxHeight' in target) {
    const scale = Math.min(target.maxHeight / source.height, target.maxWidth / source.width)
    return { height: Math.trunc(source.height * scale), width: Math.trunc(source.width * scale) }
  }
  const { shortestEdge, longestEdge } = target
  const long = Math.max(source.height, source.width)
  const short = Math.min(source.height, source.width)
  const limited = longestEdge !== undefined && (long / short) * shortestEdge > longestEdge
  const exact = limited ? (longestEdge * short) / long : shortestEdge
  const newShort = limited ? halfToEven(exact) : shortestEdge
  // transformers does not resize an image whose shorter side already fits, though its longer one may be rounded differently.
  const newLong = longestEdge !== undefined && short === newShort ? long : Math.trunc((exact * long) / short)
  return source.width <= source.height ? { height: newLong, width: newShort } : { height: newShort, width: newLong }
}
