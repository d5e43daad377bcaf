/**
 * Loads each item one ahead of its use: while the caller computes with one, the next is on its way.
 *
 * @param signal stops before the next item, by its own reason
 */
export async function* prefetched<T, R>(
  items: Iterable<T>,
  load: (item: T) => Promise<R>,
  signal?: AbortSignal,
): AsyncGenerator<R> {
  let ahead: Promise<R> | undefined
  for (const item of items) {
    const current = ahead
    ahead = load(item)
    ahead.catch(() => undefined) // it is thrown where it is awaited, if it still is by then
    if (current) yield await current
    signal?.throwIfAborted()
  }
  if (ahead) yield await ahead
}

/** Items in rows of `size`, the last one maybe shorter. */
export function inBatches<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}
