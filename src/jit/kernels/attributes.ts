import type * as tf from '@tensorflow/tfjs'

import { BackendError } from '../../errors.js'

/** Reads what tfjs passes to its kernels. */
type Attributes = tf.NamedAttrMap

export function numberAt(attrs: Attributes, name: string): number {
  const value = attrs[name]
  if (typeof value === 'number') return value
  throw unexpected(name, 'a number', value)
}

/** A list of numbers; one number is a list of it. */
export function numbersAt(attrs: Attributes, name: string): readonly number[] {
  const value = attrs[name]
  if (typeof value === 'number') return [value]
  if (Array.isArray(value) && value.every((item) => typeof item === 'number')) return value
  throw unexpected(name, 'numbers', value)
}

export function flagAt(attrs: Attributes, name: string): boolean {
  return attrs[name] === true
}

export function textAt(attrs: Attributes, name: string, otherwise: string): string {
  const value = attrs[name]
  return typeof value === 'string' ? value : otherwise
}

export function pairsAt(attrs: Attributes, name: string): readonly (readonly [number, number])[] {
  const value = attrs[name]
  if (!Array.isArray(value)) throw unexpected(name, 'pairs of numbers', value)
  return value.map((pair: unknown) => {
    const [a, b] = listOf(pair)
    if (typeof a === 'number' && typeof b === 'number') return [a, b]
    throw unexpected(name, 'pairs of numbers', value)
  })
}

/** The axes that an attribute names, none negative; all if it names none. @throws Error of tfjs for one that is not there */
export function axesAt(attrs: Attributes, name: string, rank: number): readonly number[] {
  const value: unknown = attrs[name]
  if (value === undefined || value === null) return Array.from({ length: rank }, (_, i) => i)
  return numbersAt(attrs, name).map((axis) => {
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
      throw unexpected(name, `whole numbers in [${-rank}, ${rank})`, axis)
    }
    return axis < 0 ? axis + rank : axis
  })
}

/** An axis of `rank` from the front. */
export function axisAt(attrs: Attributes, name: string, rank: number): number {
  const axis = numberAt(attrs, name)
  return axis < 0 ? axis + rank : axis
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const unexpected = (where: string, expected: string, found: unknown): BackendError =>
  new BackendError('A kernel has another attribute than expected', { where, expected, found: String(found) })
