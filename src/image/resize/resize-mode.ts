/**
 * How open_clip and timm bring an image to a size: `shortest`: its shorter side fits, the rest is cropped; `longest`: its longer side fits,
 * the rest is filled up; `squash`: both sides fit.
 */
export type ResizeMode = (typeof RESIZE_MODES)[number]

/** The values of `ResizeMode`. */
export const RESIZE_MODES = ['shortest', 'longest', 'squash'] as const
