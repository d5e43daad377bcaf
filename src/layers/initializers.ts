import { normalStream, uniformStream } from '../random.js'

/** First values of a parameter of some shape. The same seed gives the same values. */
export type Initializer = (shape: readonly number[], seed: number) => Float32Array

export const constant =
  (value: number): Initializer =>
  (shape) =>
    new Float32Array(size(shape)).fill(value)

export const zeros: Initializer = constant(0)
export const ones: Initializer = constant(1)

export const normal =
  (std: number): Initializer =>
  (shape, seed) => {
    const next = normalStream(seed)
    return fill(shape, () => std * next())
  }

/** Glorot and Bengio 2010: uniform within ±√(6 / (fan-in + fan-out)). */
export const xavierUniform: Initializer = (shape, seed) => {
  const { fanIn, fanOut } = fans(shape)
  const bound = Math.sqrt(6 / (fanIn + fanOut))
  const next = uniformStream(seed)
  return fill(shape, () => bound * (2 * next() - 1))
}

/**
 * `lecun_normal_` of transformers: a normal widened as if it were cut off at two of its deviations (LeCun 1998, as flax has it), but
 * cut off at ±2 itself, which is far out.
 */
export const lecunNormal: Initializer = (shape, seed) => {
  const std = Math.sqrt(1 / fans(shape).fanIn) / 0.87962566103423978
  const next = normalStream(seed)
  const truncated = (): number => {
    for (;;) {
      const value = std * next()
      if (value >= -2 && value <= 2) return value
    }
  }
  return fill(shape, truncated)
}

/** Flax's embedding initialisation: normal with deviation √(1 / width). */
export const embeddingNormal: Initializer = (shape, seed) => normal(Math.sqrt(1 / fans(shape).fanIn))(shape, seed)

/** Counted as torch does: `[out, in, ...window]`. */
function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  const [out = 1, input = 1, ...window] = shape
  const area = size(window)
  return { fanIn: input * area, fanOut: out * area }
}

const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)

function fill(shape: readonly number[], next: () => number): Float32Array {
  const values = new Float32Array(size(shape))
  for (let i = 0; i < values.length; i++) values[i] = next()
  return values
}
