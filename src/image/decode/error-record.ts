import { ConfigError, FileError, ImageError, InputError, SiglipError, type ErrorDetail } from '../../errors.js'

/** Those that preparing an image ends in. */
const classes = { ConfigError, FileError, ImageError, InputError }

/** An error as it goes from one thread to another, where classes are lost. */
export interface ErrorRecord extends ErrorDetail {
  /** Of the class. */
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
}

export function toErrorRecord(error: unknown): ErrorRecord {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined }
  const { name, message, stack } = error
  const cause = error.cause instanceof Error ? String(error.cause) : undefined
  if (!(error instanceof SiglipError)) return { name, message, stack, cause }
  const { expected, found, where, hint } = error
  return { name, message, stack, expected, found, where, hint, cause }
}

/** The error again: of the same class if it is one of ours. */
export function fromErrorRecord({ name, message, stack, ...detail }: ErrorRecord): Error {
  const options = detail.cause === undefined ? {} : { cause: detail.cause }
  const error = isOurs(name) ? new classes[name](message, options) : new Error(message, options)
  const { expected, found, where, hint } = detail // already in the message
  return Object.assign(error, isOurs(name) && { expected, found, where, hint }, stack !== undefined && { stack })
}

const isOurs = (name: string): name is keyof typeof classes => Object.hasOwn(classes, name)
