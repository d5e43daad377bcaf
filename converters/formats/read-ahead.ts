import type { Weights } from './weights.js'

/** While one weight is used, others are read or their files opened: reading takes more than one processor, and waits between small ones. */
const AHEAD = 4

/**
 * Weights in the order of `names`, the next ones being read while the caller uses one. When the caller stops, no read is left
 * underway.
 *
 * @throws as `weights.read` does
 */
export async function* readAhead(
  weights: Pick<Weights, 'read'>,
  names: readonly string[],
): AsyncGenerator<readonly [name: string, values: Float32Array<ArrayBuffer>]> {
  const underway: Promise<Float32Array<ArrayBuffer>>[] = []
  const start = (name: string): void => {
    const read = weights.read(name)
    read.catch(() => undefined) // it is thrown where it is awaited, if it still is by then
    underway.push(read)
  }
  try {
    names.slice(0, AHEAD).forEach(start)
    for (const [i, name] of names.entries()) {
      const next = names[i + AHEAD]
      if (next !== undefined) start(next)
      const values = await underway.shift()
      if (values) yield [name, values]
    }
  } finally {
    await Promise.allSettled(underway)
  }
}
