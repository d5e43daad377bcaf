import { ConfigError, InputError, type SiglipError } from '../../errors.js'
import { isResampling, type Resampling } from '../resize/resampling.js'
import type { ResizeBackend } from '../resize/resize.js'
import { snakeCase } from './snake-case.js'
import type { Size, TargetSize } from '../resize/target-size.js'

/** The longest side an image is resized, cropped or padded to. */
const MAX_SIDE = 65_536

/**
 * Reads an image processor's options by their TypeScript names, or those of a file by the names they have there, checking each; null
 * counts as absent, as in the files.
 */
export class OptionReader {
  private readonly options: ReadonlyMap<string, unknown>

  /**
   * @param where the file they come from; undefined for a caller's own options.
   */
  constructor(
    options: object,
    private readonly where: string | undefined,
  ) {
    this.options = new Map(Object.entries(options))
  }

  boolean(name: string, otherwise: boolean): boolean {
    return this.read(name, otherwise, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined))
  }

  integer(name: string, otherwise: number, max: number): number {
    return this.read(name, otherwise, `a whole number from 1 to ${max}`, (value) => asInteger(value, max))
  }

  /** A finite number other than 0. */
  factor(name: string, otherwise: number): number {
    return this.read(name, otherwise, 'a number other than 0', (value) =>
      isFiniteNumber(value) && value !== 0 ? value : undefined,
    )
  }

  /** A number for all channels, or three. */
  channels(name: string, otherwise: number | readonly number[], nonZero: boolean): number | readonly number[] {
    const isValue = (value: unknown): value is number => isFiniteNumber(value) && !(nonZero && value === 0)
    const expected = `a number${nonZero ? ' other than 0' : ''}, or three of them`
    return this.read(name, otherwise, expected, (value) => {
      if (isValue(value)) return value
      return Array.isArray(value) && value.length === 3 && value.every(isValue) ? value : undefined
    })
  }

  resample(name: string, otherwise: Resampling): Resampling {
    const expected = '0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box or 5 Hamming'
    return this.read(name, otherwise, expected, (value) => (isResampling(value) ? value : undefined))
  }

  /** One of some names; undefined for none of them to hold. */
  oneOf<T extends string>(name: string, otherwise: T | undefined, names: readonly T[]): T | undefined {
    return this.read<T | undefined>(name, otherwise, names.join(', '), (value) => names.find((each) => each === value))
  }

  /** A number above 0, at most 1. */
  share(name: string, otherwise: number | undefined): number | undefined {
    return this.read(name, otherwise, 'a number above 0, at most 1', (value) =>
      isFiniteNumber(value) && value > 0 && value <= 1 ? value : undefined,
    )
  }

  backend(name: string, otherwise: ResizeBackend): ResizeBackend {
    return this.read(name, otherwise, '"pillow" or "torchvision"', (value) =>
      value === 'pillow' || value === 'torchvision' ? value : undefined,
    )
  }

  /** A sample of 8 bits for all channels, or three. */
  colour(name: string, otherwise: number | readonly number[] | undefined): number | readonly number[] | undefined {
    const isSample = (value: unknown): value is number => value === 0 || asInteger(value, 255) !== undefined
    return this.read(name, otherwise, 'a whole number from 0 to 255, or three of them', (value) => {
      if (isSample(value)) return value
      return Array.isArray(value) && value.length === 3 && value.every(isSample) ? value : undefined
    })
  }

  /** A size to resize to. One number is the shorter side, or both if `square`. */
  targetSize(name: string, otherwise: TargetSize, square: boolean): TargetSize {
    const expected =
      '{ height, width }, { shortestEdge }, { shortestEdge, longestEdge } or { maxHeight, maxWidth } in pixels, or a number'
    return this.read<TargetSize>(name, otherwise, expected, (value) => {
      const edge = asInteger(value, MAX_SIDE)
      if (edge !== undefined) return square ? { height: edge, width: edge } : { shortestEdge: edge }
      return asSize(value) ?? asBounds(value, (key) => this.spelled(key))
    })
  }

  /** A size in pixels; one number is both sides. */
  size<T extends Size | undefined>(name: string, otherwise: T): Size | T {
    return this.read<Size | T>(name, otherwise, '{ height, width } in pixels, or a number', (value) => {
      const side = asInteger(value, MAX_SIDE)
      return side === undefined ? asSize(value) : { height: side, width: side }
    })
  }

  private read<T>(name: string, otherwise: T, expected: string, check: (value: unknown) => T | undefined): T {
    const value = this.options.get(this.spelled(name))
    if (value === undefined || value === null) return otherwise
    const checked = check(value)
    if (checked !== undefined) return checked
    throw this.error(`${name} is not what it should be`, {
      expected,
      found: (JSON.stringify(value) as string | undefined)?.slice(0, 100) ?? typeof value,
    })
  }

  /** An error about the options: the caller's, or those of a file. */
  error(summary: string, { expected, found }: { readonly expected: string; readonly found: string }): SiglipError {
    const ErrorClass = this.where === undefined ? InputError : ConfigError
    return new ErrorClass(this.spelled(summary), { expected: this.spelled(expected), found, where: this.where })
  }

  private spelled(text: string): string {
    return this.where === undefined ? text : snakeCase(text)
  }
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
