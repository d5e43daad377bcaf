import { BackendError, InputError } from '../../errors.js'

/** What the engine throws (native/program/errors.h), as its faces hand it on. */
export type EngineFailure =
  /** A program, or what it is given, is wrong. */
  | { readonly kind: 'program'; readonly message: string }
  /** An index of the caller's is out of range. */
  | { readonly kind: 'range'; readonly message: string }
  /** A value of the caller's is one that a check does not allow. */
  | {
      readonly kind: 'value'
      readonly message: string
      readonly expected: string
      readonly position: number
      readonly value: number
    }
  /** There is no such memory; `bytes` is 0 where the engine does not know how much. */
  | { readonly kind: 'memory'; readonly bytes: number; readonly halfWritten: boolean }

/** The error of this package for it. */
export function engineError(failure: EngineFailure, cause?: unknown): InputError | BackendError {
  switch (failure.kind) {
    case 'value': {
      const { message, expected, position, value } = failure
      return new InputError(message, { expected, found: `${value} at ${position}` })
    }
    case 'range': {
      const isIndex = failure.message.includes(' is not in [')
      const summary = isIndex ? 'An index is out of range' : 'An operation refuses its values'
      return new InputError(summary, { found: failure.message, cause })
    }
    case 'memory':
      return new BackendError('The engine has not enough memory', {
        found: failure.bytes ? `no ${failure.bytes} bytes more` : undefined,
        hint: failure.halfWritten
          ? 'Variables were being written in place: load them again, and take smaller batches.'
          : 'Take smaller batches, or dispose of tensors and functions that are no longer needed.',
        cause,
      })
    case 'program':
      return new BackendError('The engine refuses a program', { found: failure.message, cause })
  }
}
