/** The system's name of an error, e.g. `ENOENT`, of whichever realm it is; undefined for errors of other kinds. */
export function errorCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined
}
