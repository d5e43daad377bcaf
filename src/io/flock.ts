import { readFile, stat } from 'node:fs/promises'

/**
 * Whether some process holds a file by `flock`, as Python's filelock does. Node has no `flock`; Linux lists those held. Elsewhere the
 * answer is always no.
 */
export async function isFlocked(file: string): Promise<boolean> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  const locks = found && (await readFile('/proc/locks', 'utf8').catch(() => undefined))
  if (!found || locks === undefined) return false
  // 1: FLOCK  ADVISORY  WRITE 4711 08:01:131090 0 EOF
  const major = (found.dev >> 8n) & 0xfffn
  const minor = (found.dev & 0xffn) | ((found.dev >> 12n) & 0xfff00n)
  const hex = (part: bigint): string => part.toString(16).padStart(2, '0')
  return locks.split('\n').some((line) => {
    return /\bFLOCK\b/.test(line) && line.includes(` ${hex(major)}:${hex(minor)}:${found.ino} `)
  })
}
