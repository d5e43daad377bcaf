import * as tf from '@tensorflow/tfjs'

import { Dice } from './dice.js'
import type { Input, Program } from './program.js'
import { sizeOf } from './shapes.js'

const SPECIAL = [
  ...[NaN, Infinity, -Infinity, 3e38, -3e38, 1e15, -1e15, 1e5, -1e5, 80, -80, 2, 1, 0.5, -1, 0, -0],
  ...[1e-30, 1e-40, -1e-40],
]

/** An input's values at a call: those of arguments change from call to call. */
export function valuesOf(
  { shape, dtype, fill, seed, kind }: Input,
  call: number,
): Float32Array | Int32Array | Uint8Array {
  const dice = new Dice(seed + (kind === 'argument' ? call * 7919 : 0))
  const length = sizeOf(shape)
  if (dtype === 'bool') return Uint8Array.from({ length }, () => dice.roll(2))
  if (dtype === 'int32') {
    return Int32Array.from({ length }, () => (fill === 'index' ? dice.roll(1 << 20) : dice.roll(11) - 5))
  }
  const share = fill === 'special' ? dice.pick([0.01, 0.1, 0.5]) : fill === 'oneSpecial' ? 1 / Math.max(1, length) : 0
  return Float32Array.from({ length }, () => {
    if (dice.chance(share)) return dice.pick(SPECIAL)
    return fill === 'grid' ? dice.roll(9) - 4 : dice.normal() * 0.8 + 0.1
  })
}

let made = 0

/** The program's tensors from outside, by name; variables are new. */
export function tensorsOf({ inputs }: Program): Map<string, tf.Tensor> {
  return new Map(
    inputs.map((input) => {
      const tensor = tf.tensor(valuesOf(input, 0), [...input.shape], input.dtype)
      if (input.kind !== 'variable') return [input.name, tensor] as const
      const variable = tf.variable(tensor, true, `fuzzed${made++}`)
      tensor.dispose()
      return [input.name, variable] as const
    }),
  )
}
