import { InputError } from '../errors.js'

/** @throws {InputError} unless the value is a number from 0 to below `below` */
export function checkSetting(name: string, value: number, below: number = Infinity): void {
  if (Number.isFinite(value) && value >= 0 && value < below) return
  const expected = below === Infinity ? 'a number from 0' : `a number from 0 to below ${below}`
  throw new InputError(`Invalid ${name}`, { expected, found: String(value) })
}
