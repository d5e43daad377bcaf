/**
 * Loads each item one ahead of its use: while the caller computes with one, the next is on its way.
 *
 * @param signal stops before the next item, by its own reason
 */
export async function* prefetched<T, R>(
  items: AsyncIterable<T>,
  load: (item: T) => Promise<R>,
  signal?: AbortSignal,
): AsyncGenerator<R> {
  const iterator = items[Symbol.asyncIterator]()
  const loadNext = async (): Promise<{ readonly loaded: R } | undefined> => {
    const next = await iterator.next()
    return next.done ? undefined : { loaded: await load(next.value) }
  }
  try {
    signal?.throwIfAborted()
    for (let current = await loadNext(); current;) {
      const ahead = loadNext()
      ahead.catch(() => undefined) // it is thrown where it is awaited, if it still is by then
      yield current.loaded
      signal?.throwIfAborted()
      current = await ahead
    }
  } finally {
    await iterator.return?.()
  }
}

/** Items in rows of `size`, the last one maybe shorter. */
export async function* inBatches<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
