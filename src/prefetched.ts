/** How far ahead of their use items are loaded. */
export interface PrefetchOptions {
  /** Items that are on their way while the caller computes with those before them. Default: 1. */
  readonly ahead?: number
  /** Stops before the next item, by its own reason. */
  readonly signal?: AbortSignal | undefined
}

/** Loads items ahead of their use, in their order: while the caller computes with one, the next ones are on their way. */
export async function* prefetched<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  load: (item: T) => R | Promise<R>,
  { ahead = 1, signal }: PrefetchOptions = {},
): AsyncGenerator<R> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  const underway: Promise<{ readonly loaded: R } | undefined>[] = []
  let pulled: Promise<IteratorResult<T> | undefined> = Promise.resolve(undefined)
  let hasEnded = false
  const begin = (): void => {
    // A source is asked for one item at a time, and for none after its last.
    pulled = pulled.then(() => (hasEnded ? undefined : iterator.next()))
    const loading = pulled.then(async (next) => {
      if (next && !next.done) return { loaded: await load(next.value) }
      hasEnded = true
      return undefined
    })
    loading.catch(() => undefined) // it is thrown where it is awaited, if it still is by then
    underway.push(loading)
  }
  try {
    signal?.throwIfAborted()
    while (underway.length < ahead) begin()
    for (;;) {
      const current = await unlessAborted(underway.shift(), signal)
      if (!current) return
      begin()
      yield current.loaded
      signal?.throwIfAborted()
    }
  } finally {
    hasEnded = true
    const ending = Promise.resolve(iterator.return?.())
    if (signal?.aborted)
      ending.catch(() => undefined) // a source that is waiting must not hold the caller up
    else await ending
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

/** What a promise gives, or the signal's reason, whichever is first. */
function unlessAborted<T>(promise: Promise<T> | undefined, signal: AbortSignal | undefined): Promise<T> | undefined {
  if (!promise || !signal) return promise
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', stop, { once: true })
    void promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop)
    })
  })
}
