import { readFileSync } from 'node:fs'
import path from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { parseSafetensors } from '../converters/formats/safetensors.js'

/** A path under test/fixtures. */
export const fixturePath = (...parts: string[]): string => path.join(__dirname, 'fixtures', ...parts)

export interface Fixture {
  /** A reference array as a tensor, which the caller disposes. */
  tensor(name: string): tf.Tensor
  /** The arrays' names that start so, sorted. */
  names(prefix?: string): string[]
  readonly metadata: Readonly<Record<string, string>>
}

/** The reference arrays of a file under test/fixtures. */
export function readFixture(...parts: string[]): Fixture {
  const { tensors, metadata } = parseSafetensors(readFileSync(fixturePath(...parts)), parts.join('/'))
  return {
    metadata,
    names: (prefix = '') => [...tensors.keys()].filter((name) => name.startsWith(prefix)).sort(),
    tensor: (name) => {
      const found = tensors.get(name)
      if (!found) throw new Error(`${parts.join('/')} has no ${name}`)
      return tf.tensor(
        Array.from(found.data, Number),
        [...found.shape],
        found.dtype.startsWith('F') ? 'float32' : 'int32',
      )
    },
  }
}

const isTensor = (value: unknown): value is tf.Tensor => value instanceof tf.Tensor

/** A model's output under transformers' names: `visionModelOutput.hiddenStates[1]` → `vision_model_output.hidden_states.1`. */
export function namedOutputs(output: object, prefix = ''): Map<string, tf.Tensor> {
  const named = new Map<string, tf.Tensor>()
  for (const [key, value] of Object.entries(output) as [string, unknown][]) {
    const name = prefix + key.replace(/[A-Z]/g, (char) => `_${char.toLowerCase()}`)
    if (isTensor(value)) named.set(name, value)
    else if (typeof value === 'object' && value) for (const [k, v] of namedOutputs(value, `${name}.`)) named.set(k, v)
  }
  return named
}

/** The largest |a − b| / (1 + |b|): up to 1e-5, it is within 1e-5 absolutely plus relatively. */
export function deviation(actual: tf.Tensor, expected: tf.Tensor): number {
  if (String(actual.shape) !== String(expected.shape) && actual.size !== 1) return Infinity
  const found = [...actual.dataSync()]
  return [...expected.dataSync()].reduce((largest, value, i) => {
    const error = Math.abs((found[i] ?? NaN) - value) / (1 + Math.abs(value))
    return error <= largest ? largest : error
  }, 0)
}
