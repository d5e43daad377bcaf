/**
 * The errors of this package. Each says in one line what was expected, what was found and, where known, where and what to do; its `code` is
 * stable and meant for programs.
 *
 * @module
 */

/** The parts of an error's message, kept as fields for programs. */
export interface ErrorDetail {
  /** What would have been right, e.g. `"[768, 3, 16, 16]"`. */
  readonly expected?: string | undefined
  /** What was there instead. */
  readonly found?: string | undefined
  /** The file, tensor, key or argument it was found in. */
  readonly where?: string | undefined
  /** What to do about it: a whole sentence. */
  readonly hint?: string | undefined
  /** The error underneath, if another library threw first. */
  readonly cause?: unknown
}

/** The base class of every error this package throws on purpose. */
export abstract class SiglipError extends Error {
  /** Stable identifier, e.g. `"ERR_CHECKPOINT"`. */
  abstract readonly code: string
  /** What would have been right. */
  readonly expected: string | undefined
  /** What was there instead. */
  readonly found: string | undefined
  /** The file, tensor, key or argument it was found in. */
  readonly where: string | undefined
  /** What to do about it. */
  readonly hint: string | undefined

  /** @param summary the fault, without a full stop; the details are appended to it. */
  constructor(summary: string, detail: ErrorDetail = {}) {
    const { expected, found, where, hint, cause } = shortened(detail)
    super(
      sentence(cut(summary, MAX_PART), { expected, found, where, hint }),
      cause === undefined ? undefined : { cause },
    )
    this.name = new.target.name
    this.expected = expected
    this.found = found
    this.where = where
    this.hint = hint
  }
}

/** An argument of a call has the wrong type, shape or value. */
export class InputError extends SiglipError {
  readonly code = 'ERR_INPUT'
}

/** A configuration file or object does not describe a model, tokenizer or processor. */
export class ConfigError extends SiglipError {
  readonly code = 'ERR_CONFIG'
}

/** A file is missing, unreadable or can't be written. */
export class FileError extends SiglipError {
  readonly code = 'ERR_FILE'
}

/** A model can't be fetched from the hub: refused, missing, incomplete, damaged, or unreachable. */
export class HubError extends SiglipError {
  readonly code = 'ERR_HUB'
  /** The HTTP status of the answer, if there was one. */
  readonly status: number | undefined

  constructor(summary: string, detail: ErrorDetail & { readonly status?: number | undefined } = {}) {
    super(summary, detail)
    this.status = detail.status
  }
}

/** The bytes of a weights file break the rules of its format. */
export class FormatError extends SiglipError {
  readonly code = 'ERR_FORMAT'
}

/** Weights are missing, unexpected or of another shape than the model's. */
export class WeightsError extends SiglipError {
  readonly code = 'ERR_WEIGHTS'
}

/** A vocabulary can't be read, or a text can't be tokenized with the options given. */
export class TokenizerError extends SiglipError {
  readonly code = 'ERR_TOKENIZER'
}

/** An image can't be decoded, or is larger than allowed. */
export class ImageError extends SiglipError {
  readonly code = 'ERR_IMAGE'
}

/** The output of a model, or of a computation on it, contains NaN or an infinity. */
export class NonFiniteError extends SiglipError {
  readonly code = 'ERR_NON_FINITE'
}

/** No backend, or not the one asked for, can run here. */
export class BackendError extends SiglipError {
  readonly code = 'ERR_BACKEND'
}

/** A function does what `jit` can't record, e.g. it reads a tensor's values. */
export class TraceError extends SiglipError {
  readonly code = 'ERR_TRACE'
}

/** A training can't continue: its loss or a gradient is not finite. */
export class TrainingError extends SiglipError {
  readonly code = 'ERR_TRAINING'
}

/** The command line was used wrongly: exit code 2. */
export class UsageError extends SiglipError {
  readonly code = 'ERR_USAGE'
}

/** Characters of a part of a message, which may list names, and of a place. */
const [MAX_PART, MAX_PLACE] = [4000, 1000]

/** What a user gives may be a whole file: of a long text, the beginning and the end are quoted. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text
  const half = Math.floor(most / 2)
  return `${text.slice(0, half)}… (${text.length} characters) …${text.slice(-half)}`
}

function shortened({ expected, found, where, hint, cause }: ErrorDetail): ErrorDetail {
  const part = (text: string | undefined, most = MAX_PART): string | undefined =>
    text === undefined ? undefined : cut(text, most)
  return {
    expected: part(expected),
    found: part(found),
    where: part(where, MAX_PLACE),
    hint: part(hint),
    cause: shortCause(cause),
  }
}

/** The error underneath, which quotes what it was given, too: one that is short enough is the same object. */
function shortCause(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause.message.length <= MAX_PART) return cause
  const short = new Error(cut(cause.message, MAX_PART))
  short.name = cause.name
  short.stack = cut(cause.stack ?? '', MAX_PART)
  return short
}

function sentence(summary: string, { expected, found, where, hint }: ErrorDetail): string {
  const parts = [summary]
  if (expected !== undefined) parts.push(`expected ${expected}`)
  if (found !== undefined) parts.push(`found ${found}`)
  const body = (parts.length > 1 ? `${summary}: ${parts.slice(1).join(', ')}` : summary) + (where ? ` (${where})` : '')
  return oneLine(hint ? `${body}. ${hint}` : body)
}

/** Names and texts from files end up in messages: control characters must not break the line or the terminal. */
function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}
