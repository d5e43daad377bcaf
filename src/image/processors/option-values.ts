/** Values of an image processor's options that need more than a look at their type. */
import type { FieldReader } from '../../io/field-reader.js'
import { isResampling, type Resampling } from '../resize/resampling.js'
import type { Size, TargetSize } from '../resize/target-size.js'

/** The longest side an image is resized, cropped or padded to. */
const MAX_SIDE = 65_536

/** A finite number other than 0. */
export function readFactor(read: FieldReader, name: string, fallback: number): number {
  return read.value(name, fallback, 'a number other than 0', (value) =>
    isFiniteNumber(value) && value !== 0 ? value : undefined,
  )
}

/** A number for all channels, or three. */
export function readChannels(
  read: FieldReader,
  name: string,
  fallback: number | readonly number[],
  nonZero: boolean,
): number | readonly number[] {
  const isValue = (value: unknown): value is number => isFiniteNumber(value) && !(nonZero && value === 0)
  const expected = `a number${nonZero ? ' other than 0' : ''}, or three of them`
  return read.value(name, fallback, expected, (value) => oneOrThree(value, isValue))
}

/** A filter, by Pillow's number. */
export function readResample(read: FieldReader, name: string, fallback: Resampling): Resampling {
  const expected = '0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box or 5 Hamming'
  return read.value(name, fallback, expected, (value) => (isResampling(value) ? value : undefined))
}

/** A number above 0, at most 1. */
export function readShare(read: FieldReader, name: string, fallback: number | undefined): number | undefined {
  return read.value(name, fallback, 'a number above 0, at most 1', (value) =>
    isFiniteNumber(value) && value > 0 && value <= 1 ? value : undefined,
  )
}

/** A sample of 8 bits for all channels, or three. */
export function readColour(
  read: FieldReader,
  name: string,
  fallback: number | readonly number[] | undefined,
): number | readonly number[] | undefined {
  const isSample = (value: unknown): value is number => value === 0 || asInteger(value, 255) !== undefined
  const expected = 'a whole number from 0 to 255, or three of them'
  return read.value(name, fallback, expected, (value) => oneOrThree(value, isSample))
}

/** A size to resize to. One number is the shorter side, or both if `square`. */
export function readTargetSize(read: FieldReader, name: string, fallback: TargetSize, square: boolean): TargetSize {
  const expected =
    '{ height, width }, { shortestEdge }, { shortestEdge, longestEdge } or { maxHeight, maxWidth } in pixels, or a number'
  return read.value<TargetSize>(name, fallback, expected, (value) => {
    const edge = asInteger(value, MAX_SIDE)
    if (edge !== undefined) return square ? { height: edge, width: edge } : { shortestEdge: edge }
    return asSize(value) ?? asBounds(value, (key) => read.spelled(key))
  })
}

/** A size in pixels; one number is both sides. */
export function readSize<T extends Size | undefined>(read: FieldReader, name: string, fallback: T): Size | T {
  return read.value<Size | T>(name, fallback, '{ height, width } in pixels, or a number', (value) => {
    const side = asInteger(value, MAX_SIDE)
    return side === undefined ? asSize(value) : { height: side, width: side }
  })
}

function oneOrThree(
  value: unknown,
  isValue: (value: unknown) => value is number,
): number | readonly number[] | undefined {
  if (isValue(value)) return value
  return Array.isArray(value) && value.length === 3 && value.every(isValue) ? value : undefined
}

function asSize(value: unknown): Size | undefined {
  if (Array.isArray(value)) {
    return value.length === 2 ? asSize({ height: value[0] as unknown, width: value[1] as unknown }) : undefined
  }
  const [height, width] = sides(value, 'height', 'width')
  return height === undefined || width === undefined ? undefined : { height, width }
}

function asBounds(value: unknown, spelled: (key: string) => string): TargetSize | undefined {
  const [maxHeight, maxWidth] = sides(value, spelled('maxHeight'), spelled('maxWidth'))
  if (maxHeight !== undefined && maxWidth !== undefined) return { maxHeight, maxWidth }
  const [shortestEdge, longestEdge] = sides(value, spelled('shortestEdge'), spelled('longestEdge'))
  if (shortestEdge === undefined) return undefined
  return longestEdge === undefined ? { shortestEdge } : { shortestEdge, longestEdge }
}

function sides(value: unknown, ...names: readonly string[]): (number | undefined)[] {
  if (typeof value !== 'object' || value === null) return []
  const found = new Map(Object.entries(value))
  return names.map((name) => asInteger(found.get(name), MAX_SIDE))
}

function asInteger(value: unknown, max: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max ? value : undefined
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
