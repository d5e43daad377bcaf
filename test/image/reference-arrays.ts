import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseSafetensors } from '../../converters/formats/safetensors.js'

/** A path under test/fixtures. */
export const fixture = (...parts: string[]): string => path.join(__dirname, '..', 'fixtures', ...parts)

/** The arrays of a reference file under test/fixtures, by name. */
export function referenceArrays(...parts: string[]): ReferenceArrays {
  const { tensors } = parseSafetensors(readFileSync(fixture(...parts)), parts.join('/'))
  const find = (name: string) => {
    const found = tensors.get(name)
    if (!found) throw new Error(`${parts.join('/')} has no ${name}`)
    return found
  }
  return {
    names: (prefix) => [...tensors.keys()].filter((name) => name.startsWith(prefix)).sort(),
    shape: (name) => find(name).shape,
    bytes: (name) => Uint8Array.from(find(name).data, Number),
    numbers: (name) => Float32Array.from(find(name).data, Number),
  }
}

export interface ReferenceArrays {
  names(prefix: string): string[]
  shape(name: string): readonly number[]
  bytes(name: string): Uint8Array
  numbers(name: string): Float32Array
}

/** How many elements differ, and by how much at most. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): { count: number; largest: number } {
  if (actual.length !== expected.length) return { count: Infinity, largest: Infinity }
  let count = 0
  let largest = 0
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!)
    if (error === 0) continue
    count++
    largest = error <= largest ? largest : error // NaN counts as the largest
  }
  return { count, largest }
}

export const equal = { count: 0, largest: 0 }
