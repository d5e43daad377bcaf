/** The operating system's name of an error (`ENOENT`), if it is one of its errors. */
export function errorCode(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}
