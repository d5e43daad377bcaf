import type { Sample, TrainingData } from './sample.js'

/** So many samples of a stream are shuffled among each other. */
const POOL = 4096

/**
 * Samples that arrive one by one, e.g. from a database, as training data. To continue from a position the stream is restarted and
 * samples already used are skipped, so it must yield the same samples in the same order every time.
 *
 * @param start starts the stream; called for every epoch
 * @param poolSize samples that are in memory and shuffled together, without their images
 */
export function streamedData(start: () => AsyncIterable<Sample> | Iterable<Sample>, poolSize = POOL): TrainingData {
  let stream: AsyncIterator<Sample> | Iterator<Sample> | undefined
  let passed = 0
  return {
    async pool(place) {
      if (!stream || passed !== place) {
        await stream?.return?.()
        const samples = start()
        stream = Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]()
        for (passed = 0; passed < place; passed++) await take(stream, poolSize)
      }
      const pool = await take(stream, poolSize)
      passed++
      if (pool.length > 0) return pool
      stream = undefined
      return undefined
    },
  }
}

async function take(stream: AsyncIterator<Sample> | Iterator<Sample>, count: number): Promise<readonly Sample[]> {
  const taken: Sample[] = []
  while (taken.length < count) {
    const next = await stream.next()
    if (next.done) break
    taken.push(next.value)
  }
  return taken
}
