/** The code of an error, e.g. `ENOENT`, of whichever realm it is; undefined for errors of other kinds. */
export function errorCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined
}

/** The code of an error that the operating system reports about a file or a process; undefined for other errors, including Node's own. */
export function systemErrorCode(error: unknown): string | undefined {
  const isOfSystem = typeof error === 'object' && error !== null && 'syscall' in error
  return isOfSystem ? errorCode(error) : undefined
}

/** The message of what was thrown, an error or not. */
export function messageOf(thrown: unknown): string {
  const isError = typeof thrown === 'object' && thrown !== null && 'message' in thrown
  return isError ? String(thrown.message) : String(thrown)
}
