import { normalStream, uniformStream } from '../random.js'

/** First values of a parameter of some shape. The same seed gives the same values. */
export type Initializer = (shape: readonly number[], seed: number) => Float32Array

export function constant(value: number): Initializer {
  return (shape) => new Float32Array(size(shape)).fill(value)
}

export const zeros: Initializer = constant(0)
export const ones: Initializer = constant(1)

export function normal(std: number): Initializer {
  return (shape, seed) => {
    const next = normalStream(seed)
    return fill(shape, () => std * next())
  }
}

/** Glorot and Bengio 2010: uniform within ±√(6 / (fan-in + fan-out)). */
export const xavierUniform: Initializer = (shape, seed) => {
  const { fanIn, fanOut } = fans(shape)
  const bound = Math.sqrt(6 / (fanIn + fanOut))
  const next = uniformStream(seed)
  return fill(shape, () => bound * (2 * next() - 1))
}

/** `lecun_normal_` of transformers (LeCun 1998): scaled as if truncated at two standard deviations, but truncated at ±2, far out. */
export const lecunNormal: Initializer = (shape, seed) => {
  const std = Math.sqrt(1 / fans(shape).fanIn) / 0.87962566103423978
  const next = normalStream(seed)
  return fill(shape, () => {
    let value
    do value = std * next()
    while (Math.abs(value) > 2)
    return value
  })
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

const fill = (shape: readonly number[], next: () => number): Float32Array => new Float32Array(size(shape)).map(next)
