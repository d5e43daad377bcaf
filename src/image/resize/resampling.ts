/** The filters of a resize, by Pillow's numbers. */
export const Resampling = { NEAREST: 0, LANCZOS: 1, BILINEAR: 2, BICUBIC: 3, BOX: 4, HAMMING: 5 } as const

/** A filter by its number in `preprocessor_config.json`. */
export type Resampling = (typeof Resampling)[keyof typeof Resampling]

/** Whether a value is the number of a filter. */
export function isResampling(value: unknown): value is Resampling {
  return Object.values(Resampling).some((resampling) => resampling === value)
}

/** A filter that weighs every source pixel by its distance. */
export interface Kernel {
  /** Where it ends on either side, in source pixels (in target pixels when the image shrinks). */
  readonly support: number
  /** The weight at distance `x`. */
  readonly weight: (x: number) => number
}

/** The weighing filters, as in Pillow's `Resample.c`. */
export const kernels: Readonly<Record<Exclude<Resampling, typeof Resampling.NEAREST>, Kernel>> = {
  [Resampling.BOX]: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  [Resampling.BILINEAR]: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  [Resampling.HAMMING]: {
    support: 1,
    weight: (x) => (Math.abs(x) < 1 ? sinc(x) * (HAMMING_BASE + HAMMING_WAVE * Math.cos(Math.PI * x)) : 0),
  },
  [Resampling.BICUBIC]: { support: 2, weight: (x) => bicubic(Math.abs(x)) },
  [Resampling.LANCZOS]: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/** Pillow's window has its constants in single precision. */
const HAMMING_BASE = Math.fround(0.54)
const HAMMING_WAVE = Math.fround(0.46)

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI)
}

/** Keys' cubic convolution with a = −0.5. */
function bicubic(x: number): number {
  const a = -0.5
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
}
