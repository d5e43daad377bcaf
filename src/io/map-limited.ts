/**
 * Maps items in their order, at most `limit` at a time. After the first failure no other item is begun.
 *
 * @throws what `map` threw first.
 */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  const remaining = items.entries()
  let failed = false
  const work = async (): Promise<void> => {
    for (const [index, item] of remaining) {
      if (failed) return
      try {
        results[index] = await map(item, index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  return results
}
