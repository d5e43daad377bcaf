import { InvalidArgumentError } from 'commander'
import { nearest } from '../../converters/formats/nearest.js'
import { MAX_THREADS } from '../backend/threads-wanted.js'

/** Far more than any option has use for, and nothing that memory is short of. */
const MAX_COUNT = 1_000_000

/** The most that a settings file may say. */
const MAX_WHOLE = 2 ** 31 - 1

/** Parses a count. */
export const count = countUpTo(MAX_COUNT)

/** Parses a number of threads. */
export const threadCount = countUpTo(MAX_THREADS)

function countUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= 1 && value <= most) return value
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${most}.`)
  }
}

/** Parses a whole number from 0, such as a seed. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= MAX_WHOLE) return value
  throw new InvalidArgumentError(`Expected a whole number from 0 to ${MAX_WHOLE}.`)
}

/** Parses a number from 0. */
export function amount(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value
  throw new InvalidArgumentError('Expected a number from 0.')
}

/** Gathers the values of an option that is given several times. */
export function gathered(text: string, before: string[] = []): string[] {
  before.push(text)
  return before
}

/** Makes the parser of an option that takes one of a few names. */
export function oneOf<Name extends string>(names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const found = names.find((name) => name === text)
    if (found !== undefined) return found
    const near = nearest(text, names)
    throw new InvalidArgumentError(
      `Expected one of ${names.join(', ')}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
    )
  }
}
